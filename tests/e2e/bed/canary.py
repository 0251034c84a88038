"""The canary that the tests let fly: from anna to anna, with her password in a file."""

from __future__ import annotations

from tests.e2e.bed.watcher import Table

PASSWORD = "/etc/mailwatch.canary"
"""Where the fixture `canary_password` puts it."""
CANARY: Table = {
    "name": "Canary", "port": 465, "probe": "canary", "tls": "implicit",
    "user": "anna@example.test", "password_file": PASSWORD,
    "sender": "anna@example.test", "recipient": "anna@example.test",
}  # fmt: skip
