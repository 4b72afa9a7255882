"""The machines: identity, account, KPI and inbox. Pure: they hold nothing of their own."""
