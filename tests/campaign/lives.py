"""The lives of mailwatch as a night sees them: begun by the nursery, and each with an end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0


class Nursery:
    """The program nursery.py, which makes one daemon after the other."""

    def __init__(self) -> None:
        clean = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py")), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean,
        )

    def bear(self, order: dict[str, Any]) -> int:
        """Begin one life and return a pidfd of it, which is the caller's to close."""
        self._say(json.dumps(order))
        # Until it is told so, the nursery does not bury the one that may have died already.
        pidfd = os.pidfd_open(int(self._line()))
        self._say("")
        return pidfd

    def bury(self) -> int:
        """Wait for the end of the life that was begun, and return its status."""
        return int(self._line())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the nursery has died")
        return line


class Buried:
    """Waits on a thread of its own for a life's end, which the nursery tells."""

    def __init__(self, nursery: Nursery) -> None:
        self.status: int | None = None
        self._nursery = nursery
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def wait(self) -> int:
        """Return the status, as soon as there is one."""
        self._thread.join(PATIENCE_S)
        if self.status is None:
            raise RuntimeError(f"mailwatch did not end within {PATIENCE_S:g} s of its SIGTERM")
        return self.status

    def _wait(self) -> None:
        self.status = self._nursery.bury()
