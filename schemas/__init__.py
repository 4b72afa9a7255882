"""What flows: events, entities, documents, alerts, topics and errors. No I/O, no clock, no decisions."""
