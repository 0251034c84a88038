"""Asks the running service through its control socket, and says why where nothing answers."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from mailwatch.cli.exit_codes import UNKNOWN, CommandError
from mailwatch.core.say import line
from mailwatch.service.control import NAME

ANSWER_S = 2.0
"""How long the service may take to answer; a healthy loop needs a millisecond."""

_CHUNK = 65_536
_LONGEST_ANSWER = 4 * 1024 * 1024


def control_path() -> Path:
    """Return where the service listens: in its RuntimeDirectory= (systemd.exec(5))."""
    return Path(os.environ.get("RUNTIME_DIRECTORY") or "/run/mailwatch") / NAME


def ask(verb: str, within_s: float = ANSWER_S, **more: float) -> dict[str, Any]:
    """Return the service's answer to `verb`; raises CommandError."""
    path, until = control_path(), time.monotonic() + within_s
    question = json.dumps({"ask": verb, **more}).encode("ascii") + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.settimeout(within_s)
            sock.connect(os.fspath(path))
            sock.sendall(question)
            data = bytearray()
            while not data.endswith(b"\n") and len(data) < _LONGEST_ANSWER:
                sock.settimeout(max(0.001, until - time.monotonic()))
                if not (chunk := sock.recv(_CHUNK)):
                    break
                data += chunk
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
        raise CommandError(UNKNOWN, answer["error"])
    return answer
