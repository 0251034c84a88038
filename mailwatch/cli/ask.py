"""Asks the running service through its control socket, and says why where nothing answers."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailwatch.cli.exit_codes import UNKNOWN, CommandError
from mailwatch.core.say import line
from mailwatch.core.text import printable
from mailwatch.service.control import NAME

ANSWER_S = 2.0
"""How long the service may take to answer; a healthy loop needs a millisecond."""

_AGAIN_S = 0.01
_CHUNK = 65_536
_WIDEST = 300
_LONGEST_ANSWER = 4 * 1024 * 1024


def control_path() -> Path:
    """Return where the service listens: in its RuntimeDirectory= (systemd.exec(5))."""
    return Path(os.environ.get("RUNTIME_DIRECTORY") or "/run/mailwatch") / NAME


def ask(verb: str, within_s: float = ANSWER_S, **more: float) -> dict[str, Any]:
    """Return the service's answer to `verb`; raises CommandError."""
    until = time.monotonic() + within_s
    question = json.dumps({"ask": verb, **more}).encode("ascii") + b"\n"
    try:
        while (data := _exchange(question, until)) is None:
            time.sleep(_AGAIN_S)
        answer = json.loads(data)
    except (FileNotFoundError, ConnectionRefusedError):
        raise CommandError(UNKNOWN, line("control-not-running")) from None
    except PermissionError:
        raise CommandError(UNKNOWN, line("control-forbidden")) from None
    except (TimeoutError, BlockingIOError):
        raise CommandError(UNKNOWN, line("control-hangs", waited_s=within_s)) from None
    except (OSError, ValueError):
        raise CommandError(UNKNOWN, line("control-broke")) from None
    if not isinstance(answer, dict):
        raise CommandError(UNKNOWN, line("control-broke"))
    if isinstance(answer.get("error"), str):
        raise CommandError(UNKNOWN, printable(answer["error"], _WIDEST))
    return answer


def _exchange(question: bytes, until: float) -> bytes | None:
    """Return the answer, or None where the connection was ended with the question unread.

    That happens to who is slow to ask while many connect, and asking anew does no harm. Raises
    OSError, of which TimeoutError and BlockingIOError say that it is past `until` (steady).
    """
    data = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        # Only a blocking connect() waits for a place in a full backlog, this long (unix(7)).
        left_s = _left(until)
        timeout = struct.pack("ll", int(left_s), int(left_s % 1 * 1e6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        sock.connect(os.fspath(control_path()))
        with suppress(BrokenPipeError, ConnectionResetError):  # a refusal may wait to be read
            sock.sendall(question)
        while not data.endswith(b"\n") and len(data) < _LONGEST_ANSWER:
            sock.settimeout(_left(until))
            try:
                chunk = sock.recv(_CHUNK)
            except ConnectionResetError:
                return bytes(data) or None
            if not chunk:
                break
            data += chunk
    return bytes(data)


def _left(until: float) -> float:
    """Return the seconds until `until` (steady); raises TimeoutError where it is past."""
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return max(0.001, left_s)
