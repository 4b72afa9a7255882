"""The account machine: entity rows as folds of their events, waits, rules, alerts, tasks and approvals of
one account.
"""
