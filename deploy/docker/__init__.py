"""The image and the compose file: what checks them without a container engine."""
