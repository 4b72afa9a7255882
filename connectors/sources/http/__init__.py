"""Events by HTTP: `POST /v1/events` takes CloudEvents, one, many, or in binary mode."""
