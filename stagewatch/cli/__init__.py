"""The command line as it is spoken: names, options, help. What the commands do is in `stagewatch.commands`,
imported
only when a command runs, so that help is quick.
"""
