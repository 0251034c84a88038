"""Debian trees for the host and the mail server, built once and kept until their recipe changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.mounts import APART, UNSHARE
from tests.e2e.bed.need import TOP

CACHE = TOP / ".cache" / "e2e"
_RECIPES = Path(__file__).parent / "recipes"
_LONGEST_STEP_S = 3600


class BuildFailed(Exception):
    """An image could not be built; the text ends with the last lines of the log."""


@dataclass(frozen=True, slots=True)
class Image:
    """One tree: Debian's `suite`, `packages`, then what lies in recipes/NAME.

    recipes/NAME/rootfs is copied over the tree, and recipes/NAME/configure then runs in it.
    """

    name: str
    packages: tuple[str, ...]
    suite: str = "bookworm"

    @property
    def key(self) -> str:
        """A hash of all that the tree is made from."""
        parts = [self.suite, *self.packages, _INSTALL, _COPY]
        for file in sorted((_RECIPES / self.name).rglob("*")):
            if file.is_file():
                runs = str(file.stat().st_mode & stat.S_IXUSR)
                parts += [str(file.relative_to(_RECIPES)), runs, file.read_text()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def tree(self) -> Path:
        """Where the tree lies, once it is built."""
        return CACHE / f"{self.name}-{self.suite}-{self.key}"


SUITE = os.environ.get("MAILWATCH_E2E_SUITE", "bookworm")
"""The Debian release of the host; the variable names another one, such as trixie."""

# From Debian 13 on, the docker command is in a package of its own.
_DOCKER = ("docker.io",) if SUITE == "bookworm" else ("docker.io", "docker-cli")

HOST = Image(
    "host",
    (
        "systemd", "systemd-sysv", "dbus", *_DOCKER, "iptables", "iproute2", "procps",
        "ca-certificates", "python3", "python3-docker", "python3-sdnotify", "python3-tomli-w",
        "exim4-daemon-light",
    ),
    SUITE,
)  # fmt: skip
MAIL = Image(
    "mail",
    (
        "postfix", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd", "dovecot-managesieved",
        "dovecot-fts-xapian", "nginx-light", "haproxy", "openssl",
    ),
)  # fmt: skip
OTHERS = Image("others", ("opensmtpd", "courier-pop", "cyrus-imapd"))
"""Servers that Debian lets nobody install beside those of MAIL."""

# No service may start in a tree that is being built, and none needs fsync.
_INSTALL = """
set -eu
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe-io
apt-get -q update
apt-get -q -y --no-install-recommends install "$@"
rm /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/unsafe-io
apt-get clean
rm -rf /var/lib/apt/lists/*
"""

# A checkout's owner and umask are not the image's business.
_COPY = """
tar -C "$1" --mode=u=rwX,go=rX --owner=root --group=root -c . | tar -C "$2" --no-overwrite-dir -x
"""


def built(image: Image) -> Path:
    """Return the tree of `image`, which must not be written to; build it where it is missing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o700)
    with _locked(CACHE / "build.lock"):
        if not image.tree.exists():
            base = _base(image.suite)
            fresh = _emptied(CACHE / "unfinished")
            _run(f"{image.name}.log", "cp", "-a", base, fresh)
            _in_tree(image, fresh, "sh", "-c", _INSTALL, "sh", *image.packages)
            _run(
                f"{image.name}.log",
                "sh",
                "-euc",
                _COPY,
                "sh",
                _RECIPES / image.name / "rootfs",
                fresh,
            )
            configure = (_RECIPES / image.name / "configure").read_text()
            _in_tree(image, fresh, "sh", "-euc", configure)
            _forget_others(image)
            fresh.rename(image.tree)
    return image.tree


def _base(suite: str) -> Path:
    base = CACHE / f"base-{suite}"
    if not base.exists():
        fresh = _emptied(CACHE / "unfinished")
        _run("base.log", "debootstrap", "--variant=minbase", suite, fresh, *_mirror(suite))
        fresh.rename(base)
    return base


def _mirror(suite: str) -> list[str]:
    """Return the mirror that this machine's apt takes `suite` from, nothing where it has none."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    for line in targets.stdout.splitlines():
        codename, component, uri = line.split(maxsplit=2)
        if (codename, component) == (suite, "main") and uri.startswith(("http://", "https://")):
            return [uri]
    return []


def _in_tree(image: Image, tree: Path, *command: str) -> None:
    # The namespace of processes takes with it whatever a package may have started.
    _run(
        f"{image.name}.log",
        *UNSHARE, "sh", "-euc", f'{APART}\nmount -t proc proc "$0"\nexec "$@"', tree / "proc",
        "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
        "DEBIAN_FRONTEND=noninteractive",
        *(f"{name}={os.environ[name]}" for name in ("http_proxy", "https_proxy", "no_proxy")
          if name in os.environ),
        "chroot", tree, *command,
    )  # fmt: skip


def _run(log_name: str, *command: str | Path) -> None:
    log = CACHE / log_name
    with log.open("ab") as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            timeout=_LONGEST_STEP_S, check=False, umask=0o022,
        )  # fmt: skip
    if done.returncode != 0:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildFailed(f"{command[0]} failed with {done.returncode}; see {log}:\n{last}")


def _emptied(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    return place


def _forget_others(image: Image) -> None:
    """Remove trees of former recipes, but for those that a test bed runs on."""
    for tree in CACHE.glob(f"{image.name}-{image.suite}-*"):
        with _locked(tree, wait=False) as free:
            if free:
                shutil.rmtree(tree)


@contextmanager
def in_use(tree: Path) -> Iterator[None]:
    """Keep `tree` from being removed while the block runs."""
    with _locked(tree, how=fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(place: Path, how: int = fcntl.LOCK_EX, wait: bool = True) -> Iterator[bool]:
    flags = os.O_RDONLY if place.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(place, flags | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, how if wait else how | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
