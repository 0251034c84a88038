"""mailwatch watches a mail server, restarts it when that helps, and tells its admin."""

__version__ = "0.5.0"
