"""Notifiers: one file a way to deliver one message."""
