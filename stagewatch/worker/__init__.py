"""A worker of the cluster: one process with the stages and partitions that the group gives it.

    server.py      wiring, start and stop        machines.py    partition tasks, files, metrics
    stages.py      intake and projection agents   delivering.py  messages to channels, receipts

The composition root of `stagewatch worker`; what is wired decides for itself.
"""
