"""The contract of the machines and its pure driver. No I/O, no clock, no random numbers."""
