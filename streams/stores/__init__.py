"""Where rows, logs and positions are kept. No business decisions."""
