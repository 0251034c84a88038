"""One Docker engine, and what it says of containers."""
