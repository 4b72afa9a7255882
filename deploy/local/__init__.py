"""Real servers on 127.0.0.1 without containers, for tests and `make cluster`. Not for production.

Every server has a folder of its own and free ports; it ends with the process that started it.
"""
