"""The part of aiokafka's protocol that is used here; the package ships no types."""
