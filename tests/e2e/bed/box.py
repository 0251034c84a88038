"""A Debian tree in namespaces of its own, for servers that need neither systemd nor Docker."""

from __future__ import annotations

import itertools
import os
import shlex
import socket
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.e2e.bed.host import CommandFailed
from tests.e2e.bed.images import CACHE, in_use
from tests.e2e.bed.mounts import APART, UNSHARE
from tests.e2e.bed.netns import inside
from tests.e2e.bed.wait import NeverHappened, wait_until

_count = itertools.count(1)

_LOOPBACK = (
    "perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); "
    '$lo = pack("a16sx22", "lo", 1); ioctl(S, 0x8914, $lo) or die $!\''
)
"""Brings lo up (SIOCSIFFLAGS with IFF_UP, netdevice(7)): a minimal Debian has perl, and no ip."""


class Box:
    """Runs a shell script as root over a throw-away layer of `tree`, until it is left.

    All that the script starts, in the background or not, has loopback to itself, and ends with it.
    """

    def __init__(self, tree: Path, script: str) -> None:
        self._tree = tree
        self._script = f"set -eu\n{_LOOPBACK}\n{script}\nsleep infinity &\nwait"
        self._place = CACHE / f"run-{os.getpid()}-box{next(_count)}"
        self._held = ExitStack()

    def __enter__(self) -> Box:
        self._held.enter_context(in_use(self._tree))
        self._log = self._held.enter_context(tempfile.TemporaryFile())
        self._place.mkdir()
        layers = f"lowerdir={self._tree},upperdir=upper,workdir=work"
        lines = [
            APART,
            f"mount -t tmpfs tmpfs {shlex.quote(str(self._place))}",
            f"cd {shlex.quote(str(self._place))}",
            "mkdir upper work root",
            shlex.join(["mount", "-t", "overlay", "-o", layers, "overlay", "root"]),
            "mount -t proc proc root/proc",
            "exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "
            f"chroot root sh -c {shlex.quote(self._script)}",
        ]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *UNSHARE, "--net", "sh", "-euc", "\n".join(lines)],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        # With it end its namespace of processes and that of mounts.
        self._process.kill()
        self._process.wait(timeout=60)
        wait_until(self._removed, 10, "the layer to be let go of")
        self._held.close()

    def _removed(self) -> bool:
        try:
            self._place.rmdir()
        except OSError:
            return False
        return True

    @property
    def network(self) -> Path:
        """The network namespace of the box."""
        return Path(f"/proc/{self._process.pid}/ns/net")

    def wait_for(self, *ports: int) -> None:
        """Wait until something listens on each of `ports`; raises NeverHappened."""
        try:
            wait_until(lambda: all(map(self._accepts, ports)), 30, f"listeners on {ports}")
        except NeverHappened as never:
            raise NeverHappened(f"{never}\n{self.log()}") from None

    def _accepts(self, port: int) -> bool:
        if self._process.poll() is not None:
            raise CommandFailed(f"The box ended:\n{self.log()}")
        if os.readlink(self.network) == os.readlink("/proc/self/ns/net"):
            return False
        with inside(self.network), suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 5).close()
            return True
        return False

    def log(self) -> str:
        """Return what the script and its servers have printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")
