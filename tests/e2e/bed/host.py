"""A Debian host that boots under systemd in namespaces of its own (systemd-nspawn)."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.e2e.bed import cgroups
from tests.e2e.bed.images import CACHE, in_use
from tests.e2e.bed.mounts import APART, FROM_THE_ROOT, UNSHARE
from tests.e2e.bed.wait import wait_until

_count = itertools.count(1)
_COMMAND_S = 300.0
_BOOT_S = 60.0
_NAME = "mailhost"


class CommandFailed(AssertionError):
    """A command on the host failed; the text has its exit code and what it said."""


class Host:
    """One host, from boot to the end of all its processes.

    Its root is a throw-away layer over `tree`. It has a network namespace of its own, so port 25
    of its 127.0.0.1 is nobody else's. Its first process dies with ours (PR_SET_PDEATHSIG), and
    with it every process, mount and network of the host: also when pytest itself is killed.
    """

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._name = f"{os.getpid()}-{next(_count)}"
        self._place = CACHE / f"run-{self._name}"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._groups: list[Path] = []
        self._leader = 0
        self._held = contextlib.ExitStack()

    def boot(self) -> None:
        """Start the host and wait until systemd says `running`; raises NeverHappened."""
        self.sweep()
        self._held.enter_context(in_use(self._tree))
        for part in ("upper", "work", "root", "docker"):
            (self._place / part).mkdir(parents=True)
        self._groups = cgroups.make(self._name)
        with (self._place / "console.log").open("wb") as console:
            self._nspawn = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "sh", "-euc", self._launch()],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes"},
                cwd=self._place, start_new_session=True,
            )  # fmt: skip
        try:
            self._leader = wait_until(self._first_process, _BOOT_S, "the host's first process")
            wait_until(self._is_up, _BOOT_S, "systemd in the host to say `running`")
        except BaseException:
            self.end()
            raise

    @staticmethod
    def sweep() -> None:
        """Remove the files that a run that was killed has left."""
        for place in CACHE.glob("run-*"):
            if not Path("/proc", place.name.split("-")[1]).exists():
                shutil.rmtree(place)

    def _launch(self) -> str:
        """Return the shell script that turns into the host."""
        nspawn = [
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot",
            "--directory=root", f"--machine={_NAME}", "--private-network",
            "--capability=all", "--system-call-filter=add_key keyctl bpf",
            f"--bind={self._place}/docker:/var/lib/docker",
            "--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
        ]  # fmt: skip
        layers = f"lowerdir={self._tree},upperdir=upper,workdir=work"
        inside = [
            f"cd {shlex.quote(str(self._place))}",
            shlex.join(["mount", "-t", "overlay", "-o", layers, "overlay", "root"]),
            # systemd-nspawn leaves files there.
            "mount -t tmpfs tmpfs /run/systemd",
            f"exec {shlex.join(nspawn)}",
        ]
        script = "\n".join(inside)
        # What joins a namespace later, as nsenter and `docker exec` do, begins at its very root.
        # Where this process lives in a chroot that is outside of it, so the chroot goes on top.
        above = [
            APART,
            "mount -t proc proc /proc",
            shlex.join([*FROM_THE_ROOT, "--wd=/", "mount", "--rbind", ".", "/"]),
            shlex.join(["exec", *FROM_THE_ROOT, "sh", "-euc", script]),
        ]
        unshare = [*UNSHARE, "sh", "-euc", "\n".join(above)]
        entered = [f"echo $$ >{shlex.quote(str(group / 'cgroup.procs'))}" for group in self._groups]
        return "\n".join([*entered, "mkdir -p /run/systemd", f"exec {shlex.join(unshare)}"])

    def _first_process(self) -> int:
        if self._running().poll() is not None:
            raise CommandFailed(f"The host did not start:\n{self.console()}")
        for pid in (self._groups[0] / "cgroup.procs").read_text().split():
            # Only a process that has become systemd has all its namespaces.
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    return int(pid)
        return 0

    def _is_up(self) -> bool:
        said = self.try_run("systemctl is-system-running")[1]
        if said == "degraded":
            why = self.try_run("systemctl --failed --no-legend; journalctl -b -p warning -n 20")[1]
            raise CommandFailed(f"The host did not start well:\n{why}")
        return said == "running"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._nspawn is None:
            raise RuntimeError("boot() comes first")
        return self._nspawn

    def end(self) -> None:
        """End every process of the host at once, and remove what it wrote."""
        if self._nspawn is not None:
            # It takes along its namespace of processes, and that all others.
            self._nspawn.kill()
            self._nspawn.wait(timeout=120)
            self._nspawn = None
        cgroups.remove(self._groups)
        self._groups = []
        shutil.rmtree(self._place)
        self._held.close()

    @property
    def network(self) -> Path:
        """The host's network namespace, for netns.inside()."""
        return Path(f"/proc/{self._leader}/ns/net")

    @property
    def leader(self) -> int:
        """The host's first process, as this process counts."""
        return self._leader

    @property
    def root(self) -> Path:
        """The host's file system as this process sees it."""
        return Path(f"/proc/{self._leader}/root")

    def console(self) -> str:
        """Return what the host printed while it booted."""
        return (self._place / "console.log").read_text(errors="replace")

    def try_run(self, command: str, timeout_s: float = _COMMAND_S) -> tuple[int, str]:
        """Run a shell command as root on the host; return its exit code and all that it said."""
        done = subprocess.run(
            ["nsenter", f"--target={self._leader}", "--all", "env", "-i", "HOME=/root",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_COLORS=0",
             "sh", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=timeout_s, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.strip()

    def run(self, command: str, timeout_s: float = _COMMAND_S) -> str:
        """Run a shell command as root on the host; return what it said, or raise CommandFailed."""
        code, said = self.try_run(command, timeout_s)
        if code != 0:
            raise CommandFailed(f"`{command}` failed with {code}:\n{said}")
        return said

    def write(self, path: str, text: str) -> None:
        """Replace what stands in the file `path`; who owns it and who may read it stays."""
        (self.root / path.lstrip("/")).write_text(text)

    def read(self, path: str) -> str:
        """Return what stands in the file `path`."""
        return (self.root / path.lstrip("/")).read_text()

    def install(self, package: Path) -> str:
        """Install a .deb with apt; what it depends on must be in the image, as in the namespace
        there is no network."""
        shutil.copy(package, self.root / "root")
        return self.run(f"apt-get -y -q install /root/{package.name}")

    def cursor(self) -> str:
        """Return a mark of this moment in the journal."""
        return self.run("journalctl -n 0 --show-cursor -q").removeprefix("-- cursor: ")

    def journal(self, unit: str, since: str = "") -> str:
        """Return the journal of `unit` (all of it, or since a `cursor()`), one message a line."""
        after = f"--after-cursor={shlex.quote(since)}" if since else ""
        return self.run(f"journalctl -q -o cat --no-pager -u {shlex.quote(unit)} {after}")

    def show(self, unit: str, name: str) -> str:
        """Return one property of `unit` as `systemctl show` gives it."""
        return self.run(f"systemctl show --value -p {name} {shlex.quote(unit)}")
