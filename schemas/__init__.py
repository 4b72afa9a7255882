"""What flows through Stagewatch: events, fields, errors, time. Pure: no I/O, no clock, no randomness.

Nothing in this package may import another package of the project.
"""
