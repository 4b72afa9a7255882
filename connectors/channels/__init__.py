"""Channels: how messages leave. One folder per technology; the port is `channel.py`, retries are
`outbox.py`.
"""
