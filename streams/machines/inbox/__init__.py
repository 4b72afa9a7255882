"""The inbox machine: what becomes of the notices for one receiver (sent, reminded, told the end, pruned)."""
