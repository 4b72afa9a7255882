"""Files as a source: JSONL, CSV and Excel become events, and every row is accounted for."""
