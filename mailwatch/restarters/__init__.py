"""Restarters: one file a way to look at one target and to restart it."""
