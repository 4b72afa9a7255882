"""The identity machine: native ids to accounts. Parks, asks, moves, merges, stamps; knows nothing of
rules.
"""
