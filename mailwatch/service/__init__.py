"""The running service: the loop, and what it hands its work to."""
