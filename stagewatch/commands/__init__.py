"""What the commands of the command line do. Each function gives an exit code; output is in `output`."""
