"""The drivers of the machines: memory, embedded, cluster. No business decisions."""
