"""What an admin writes into the state file while the service runs: the pause."""

from __future__ import annotations

import os
from pathlib import Path

from mailwatch.core.model import Now
from mailwatch.store import pause
from mailwatch.store.boot import boot_id
from mailwatch.store.connection import open_existing, transaction
from mailwatch.store.outside_access import visit


def set_pause(directory: Path, until: Now | None, boot: str | None = None) -> None:
    """Pause until `until`, or end the pause with None; the service sees it at its next step.

    `boot` is the id of this boot, which is looked up when it is None. Raises StoreError.
    """
    with visit(directory, open_existing) as connection, transaction(connection):
        pause.write(connection, until, boot_id(os.environ) if boot is None else boot)
