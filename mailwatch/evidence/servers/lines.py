r"""What the lines of several servers have in common: syslog's head, an address, errno's words.

Every repetition is bounded, and no two that stand side by side match the same character, so that
a line costs time in proportion to its length, whoever wrote it.
"""

from __future__ import annotations

SYSLOG = r"^(?:\S{0,63}[^\s:,;] {1,2}){0,6}"
"""Date and host before the name of a program, or nothing; what a client says comes later."""

ADDRESS = r"(?P<address>[0-9A-Fa-f.:]{2,45})"

PATH = r"(?P<path>/[^\s\"'<>(),:]{1,200})"

PLAIN = r"[^<>\"@]{0,200}?"
"""Words of the server itself: what clients say stands in quotes or angle brackets."""

NO_SPACE = r"No space left on device"
READ_ONLY = r"Read-only file system"
NO_FILES = r"Too many open files"
NO_MEMORY = r"(?:Cannot allocate memory|[Oo]ut of memory)"
NO_PROCESS = r"Resource temporarily unavailable"
IN_USE = r"Address already in use"
