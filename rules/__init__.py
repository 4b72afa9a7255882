"""What decides: the rule language, its compiler and matchers, the alert life cycle. No I/O, no clock."""
