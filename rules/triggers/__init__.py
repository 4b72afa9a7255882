"""The triggers of the rule language, one file each, listed explicitly. No I/O, no clock."""
