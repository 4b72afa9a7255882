"""The cluster measured on a real Kafka, beside its peers: `python -m bench.cluster`."""
