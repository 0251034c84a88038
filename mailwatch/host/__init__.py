"""This host: clocks, threads, the journal, systemd."""
