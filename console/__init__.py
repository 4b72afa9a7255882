"""What people see: the HTTP API and the web pages. It reads views and sends commands, nothing else."""
