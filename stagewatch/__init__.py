"""The composition root: settings, wiring, command line and metrics. Nothing imports it."""

__version__ = "0.1.0"
