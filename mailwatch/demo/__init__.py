"""The demo: a mail server of its own hangs, and the real engine detects, restarts, recovers it."""
