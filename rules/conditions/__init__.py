"""Conditions: what must hold on an entity or an event. Pure: no I/O, no clock."""
