"""The cluster runtime: partition tasks on Kafka, one fenced transaction per batch, hosted by workers.

A task owns one partition of one machine (`task`); a worker holds the tasks that the group gives it (`owner`).
Nothing here knows what a machine means.
"""
