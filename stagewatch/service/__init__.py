"""The running process: one thread works off the log, asyncio serves HTTP and delivers mail. Parts:

engine     the writer of the workspace, in a thread of its own; others hand it work
outbox     durable rows of messages (`SqliteOutbox`) and used links, in the workspace's database
ports      what the web side asks for: lists, commands, links
local      routes for the command line of this machine
watcher    rules, people and settings that change while it runs
observe    metrics and logs
server     puts all of it together, starts and stops it
"""
