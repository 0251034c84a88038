"""A sick process to look at, run as a program: `patient.py files` or `patient.py disk`.

It writes a line once it is as sick as asked, and ends with its standard input.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import struct
import sys
import threading
from contextlib import suppress
from fcntl import ioctl

PORT, LIMIT = 993, 64
ATTACKER, ITS_CONNECTIONS, INNOCENTS = "127.0.0.99", 80, 6
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
CLONE_VFORK = 0x4000


def out_of_files() -> None:
    """Serve PORT until no file is left for one more connection, in a network of one's own."""
    with socket.socket() as one:
        ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    listener = socket.create_server(("127.0.0.1", PORT), backlog=128)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, 4096))
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
        listener.close()
        sources = [f"127.0.0.{last}" for last in range(1, INNOCENTS + 1)]
        sources += [ATTACKER] * ITS_CONNECTIONS
        held = [socket.create_connection(("127.0.0.1", PORT), 60, (host, 0)) for host in sources]
        os.write(1, b"connected\n")
        sys.stdin.read()
        os._exit(len(held) * 0)
    taken = []
    with suppress(OSError):
        while True:
            taken.append(listener.accept())
    sys.stdin.read()
    os.waitpid(pid, 0)


def hangs_on_a_disk() -> None:
    """Have one thread of three in state D, as one that waits for a disk is.

    It has begun a child that shares it until the child ends or runs a program (vfork(2)).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    stack = ctypes.create_string_buffer(65536)
    top = ctypes.c_void_p((ctypes.addressof(stack) + 65536 - 64) & ~15)
    flags = CLONE_VFORK | signal.SIGCHLD

    def wait() -> None:
        libc.clone(libc.pause, top, flags, None)

    threading.Thread(target=wait, name="worker", daemon=True).start()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    os.write(1, b"hangs\n")
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    {"files": out_of_files, "disk": hangs_on_a_disk}[sys.argv[1]]()
