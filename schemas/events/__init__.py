"""One frozen model per event type, a module per family; ``registry`` lists them all. No logic here."""
