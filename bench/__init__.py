"""Measures rates, latencies and memory (`make bench`). Nothing imports it."""
