"""The end-to-end test bed: a host under systemd, with a real Docker, a mail server and an inbox."""
