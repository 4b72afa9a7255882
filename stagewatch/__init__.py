"""The composition root: settings, wiring, command line and metrics. Nothing imports it."""
