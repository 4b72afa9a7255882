"""What remembers: kernel, machines, runtimes, stores and views of the event streams."""
