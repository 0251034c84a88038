"""What mailwatch tells systemd through sd_notify(3): ready, status, still alive, stopping."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mailwatch.core.say import line
from mailwatch.core.text import printable

if TYPE_CHECKING:
    from sdnotify import SystemdNotifier

LONGEST_STATUS = 300

FULL_S = 1.0
"""How long the receiver's queue may be full before that is told: it is while PID 1 hangs."""

SHORTEST_WATCHDOG_S = 10.0
"""A watchdog that leaves room for the slowest turn of the loop, see `watchdog_s`.

The loop waits for half of the watchdog's time at most, and then shows that it lives. What it does
itself between two waits is bounded by times of its own, 3 s in all where the journal, a lock on
the state file and systemd hold it up together; only for the disk there is no bound. Checks,
deliveries and restarts have threads of their own, and no timeout of theirs matters.
"""


def watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return the longest silence that systemd allows, in seconds, or None without a watchdog.

    As in sd_watchdog_enabled(3): WATCHDOG_USEC, meant for us only if WATCHDOG_PID, where it is
    set, is our own.
    """
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return int(text) / 1e6 or None


class Systemd:
    """Speaks to the manager that started this process; outside of systemd it does nothing.

    No notification waits: where PID 1 takes none, the last of each kind is kept, and leaves by
    send_kept() or before the next one. One that fails is reported once through `warn` and never
    raised; the next one connects anew. Use it from one thread.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._warned = False
        self._notifier: SystemdNotifier | None = None
        self._kept: dict[str, str] = {}
        """What PID 1 has not taken yet, in its order, by the name of its first field."""
        self._full_since: float | None = None
        self.present = bool(os.environ.get("NOTIFY_SOCKET"))
        """Whether anybody asked for notifications."""

    @property
    def watchdog_interval_s(self) -> float | None:
        """The longest silence that systemd allows, see `watchdog_s`."""
        return watchdog_s(os.environ)

    def ready(self, status: str) -> None:
        """Say that start or reload is complete, and what the status line is now."""
        self._send("READY=1", _status(status))

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(_status(text))

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` must follow."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service is about to end."""
        self._send("STOPPING=1", _status("stopping"))

    def watchdog(self) -> None:
        """Say that a step of the main loop has succeeded."""
        self._send("WATCHDOG=1")

    def extend(self, seconds: float) -> None:
        """Ask for `seconds` (> 0) more for what is under way: start, stop or the watchdog."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def close(self) -> None:
        """Give the socket back."""
        if self._notifier is not None:
            self._notifier.socket.close()
            self._notifier = None

    @property
    def keeps_some(self) -> bool:
        """Whether something waits for PID 1 to take it, see `send_kept`."""
        return bool(self._kept)

    def send_kept(self) -> None:
        """Send what PID 1 had no room for, as far as it has some now."""
        try:
            while self._kept:
                kind, state = next(iter(self._kept.items()))
                self._notify(state)
                del self._kept[kind]
        except BlockingIOError:
            now = time.monotonic()
            self._full_since = self._full_since or now
            if now - self._full_since >= FULL_S:
                self._warn_once("systemd-full")
        except OSError as error:
            self._kept.clear()
            self.close()
            self._warn_once("systemd-deaf", why=error.strerror or str(error))
        else:
            self._full_since, self._warned = None, False

    def _send(self, *fields: str) -> None:
        if not self.present:
            return
        kind = fields[0].partition("=")[0]
        self._kept.pop(kind, None)
        self._kept[kind] = "\n".join(fields)
        self.send_kept()

    def _notify(self, state: str) -> None:
        try:
            self._connected().notify(state)
        except BlockingIOError:
            raise
        except OSError:
            # systemd may have bound its socket anew, as after an upgrade: try a new one.
            self.close()
            self._connected().notify(state)

    def _warn_once(self, code: str, **args: str) -> None:
        if not self._warned:
            self._warn(line(code, socket=os.environ.get("NOTIFY_SOCKET", ""), **args))
        self._warned = True

    def _connected(self) -> SystemdNotifier:
        if self._notifier is None:
            from sdnotify import SystemdNotifier

            with warnings.catch_warnings():
                # Where it cannot connect, sdnotify 0.3 forgets its socket without closing it.
                warnings.simplefilter("ignore", ResourceWarning)
                # Without debug, sdnotify swallows every error.
                self._notifier = SystemdNotifier(debug=True)
            self._notifier.socket.setblocking(False)
        return self._notifier


def _status(text: str) -> str:
    # sdnotify encodes latin-1, and a newline would begin another field.
    safe = printable(text, LONGEST_STATUS).encode("ascii", "backslashreplace").decode("ascii")
    return f"STATUS={safe[:LONGEST_STATUS]}"
