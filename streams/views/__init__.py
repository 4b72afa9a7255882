"""What people query, rebuilt from the topics at any time. Never a source of truth."""
