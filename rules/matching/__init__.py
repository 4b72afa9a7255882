"""Which conditions of a set hold: one port, a native and a durable-rules implementation that always agree."""
