"""The embedded runtime: one process, one SQLite file, one transaction per batch. From the border inwards:

worker     a thread that appends for others (group commit), works off the log and ticks
runtime    one writer of a workspace: append, process, tick, outputs
holder     lock, session and transactions of the runtime; nothing in memory survives a failed one
session    what is rebuilt from the database at opening and after a failure: stores, kernel, position
intake     the raw log: which logical time an entry gets
clock      wall clocks, the scaled one for trials, and the guard against jumps
reader     the read-only side for other processes
"""
