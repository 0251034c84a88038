"""Debian's monit and prometheus-blackbox-exporter, and the floor in C, as services of the host.

The first two come as Debian built them, but not through their packages: the programs alone are
fetched and copied, so that nothing is installed on this machine. Each is set up to hold the
conversation that is closest to ours.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.bed.host import Host
from tests.e2e.bed.images import CACHE
from tests.e2e.bed.mail import NAME
from tests.e2e.bed.netns import inside
from tests.e2e.bed.wait import wait_until

SERVICES = {"SMTP": 25, "SMTPS": 465, "IMAPS": 993, "HTTPS": 443}
_PROGRAMS = {"monit": "monit", "prometheus-blackbox-exporter": "blackbox"}
_PLACE = "/usr/local/sbin"
_SETTINGS = "/etc/bench"
_STATE = "/run/bench"


class Unavailable(Exception):
    """A rival cannot run here; the text is one sentence that says what is missing."""


def fetch() -> Path:
    """Return a directory with both programs, from Debian's packages; raises Unavailable."""
    place = CACHE.parent / "bench"
    place.mkdir(parents=True, exist_ok=True)
    for package, name in _PROGRAMS.items():
        if (place / name).exists():
            continue
        work = place / "unpacked"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        if not _done("apt-get", "-qq", "download", package, cwd=work):
            _done("apt-get", "-qq", "update", cwd=work)
            if not _done("apt-get", "-qq", "download", package, cwd=work):
                raise Unavailable(
                    f"Debian's package {package} could not be fetched: see what "
                    f"`apt-get download {package}` says."
                )
        (deb,) = work.glob("*.deb")
        if not _done("dpkg-deb", "-x", str(deb), "tree", cwd=work):
            raise Unavailable(f"{deb.name} could not be unpacked: is there room on the disk?")
        (work / "tree/usr/bin" / package).rename(place / name)
        shutil.rmtree(work)
    return place


def _done(*command: str, cwd: Path) -> bool:
    ran = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return ran.returncode == 0


def build_floor(place: Path) -> None:
    """Compile floor.c into `place`; raises Unavailable."""
    source = Path(__file__).with_name("floor.c")
    compiler = shutil.which("cc")
    command = ("-std=gnu11", "-O2", "-o", str(place / "floor"), str(source), "-lssl", "-lcrypto")
    if compiler is None or not _done(compiler, *command, cwd=place):
        raise Unavailable("no C compiler (gcc) with the headers of OpenSSL (libssl-dev) is here.")


class Rival:
    """A program, its unit and its settings."""

    def __init__(self, host: Host, name: str, programs: Path) -> None:
        self.host = host
        self.name = name
        self.unit = f"bench-{name}.service"
        shutil.copy(programs / name, host.root / _PLACE.lstrip("/") / name)
        code, said = host.try_run(f"{_PLACE}/{name} --version")
        if code != 0:
            raise Unavailable(
                f"{name} does not run on the host of the test bed, which is another "
                f"release than this machine: {said.splitlines()[-1] if said else code}"
            )

    def start(self) -> None:
        """Start its service."""
        self.host.run(f"systemctl start {self.unit}")

    def stop(self) -> None:
        """Stop its service; returns when it has ended."""
        self.host.run(f"systemctl stop {self.unit}")

    def _make(self, command: str) -> None:
        self.host.run(f"mkdir -p {_SETTINGS} {_STATE}")
        self.host.write(
            f"/etc/systemd/system/{self.unit}",
            "[Unit]\nStartLimitIntervalSec=0\n"
            f"[Service]\nExecStart={_PLACE}/{command}\n[Install]\nWantedBy=multi-user.target\n",
        )
        # systemd forgets all about a stopped unit, and when it stopped, unless another names it.
        self.host.run(f"systemctl daemon-reload; systemctl -q enable {self.unit}")


class Floor(Rival):
    """floor.c: the same conversations as mailwatch's in bare C, and nothing else."""

    def __init__(self, host: Host, programs: Path) -> None:
        build_floor(programs)
        super().__init__(host, "floor", programs)
        self._make("floor 127.0.0.1")


class Monit(Rival):
    """Asks by itself, one service after the other, and runs a command at a failure.

    SMTP: greeting, EHLO, QUIT. IMAP: greeting, LOGOUT, without CAPABILITY. HTTP: GET and status,
    the body unread.
    """

    def __init__(self, host: Host, programs: Path) -> None:
        super().__init__(host, "monit", programs)
        self._make(f"monit -I -c {_SETTINGS}/monitrc")
        self._script(
            "failed",
            f"mkdir {_STATE}/failed-$1 2>/dev/null; mkdir {_STATE}/cure 2>/dev/null || exit 0\n"
            f"exec docker restart --time=1 {NAME}",
        )
        self._script("passes", f"mkdir {_STATE}/passes-$1 2>/dev/null; exit 0")

    def configure(self, every_s: int, timeout_s: int, failures: int) -> None:
        """Ask every `every_s`, and act when a service has failed `failures` times in a row."""
        tests = "\n".join(
            f"  if failed port {port} protocol {name.lower()} with timeout {timeout_s} seconds"
            f' for {failures} cycles then exec "{_SETTINGS}/failed {port}"'
            f' else if succeeded then exec "{_SETTINGS}/passes {port}"'
            for name, port in SERVICES.items()
        )
        self.host.write(
            f"{_SETTINGS}/monitrc",
            f"set daemon {every_s}\nset log syslog\nset pidfile {_STATE}/monit.pid\n"
            f"set idfile {_STATE}/monit.id\nset statefile {_STATE}/monit.state\n"
            f"check host mail with address 127.0.0.1\n{tests}\n",
        )
        self.host.run(f"chmod 600 {_SETTINGS}/monitrc; rm -rf {_STATE}/*")

    def told(self, what: str) -> list[float]:
        """Return when (since 1970) each service was first reported, `failed` or `passes`."""
        said = self.host.run(f"find {_STATE} -maxdepth 1 -name '{what}-*' -printf '%T@\\n'")
        return sorted(float(line) for line in said.splitlines())

    def _script(self, name: str, body: str) -> None:
        self.host.write(f"{_SETTINGS}/{name}", f"#!/bin/sh\n{body}\n")
        self.host.run(f"chmod 755 {_SETTINGS}/{name}")


_MODULES = """
modules:
  smtp:
    prober: tcp
    tcp: &conversation
      query_response:
        - expect: "^220 "
        - send: "EHLO [127.0.0.1]"
        - expect: "^250 "
        - send: "QUIT"
        - expect: "^221 "
  smtps:
    prober: tcp
    tcp: { <<: *conversation, tls: true, tls_config: { insecure_skip_verify: true } }
  imaps:
    prober: tcp
    tcp:
      tls: true
      tls_config: { insecure_skip_verify: true }
      query_response:
        - expect: "^[*] OK"
        - send: "a CAPABILITY"
        - expect: "^a OK"
        - send: "b LOGOUT"
        - expect: "^b OK"
  https:
    prober: http
    http:
      tls_config: { insecure_skip_verify: true }
"""
_BLACKBOX_PORT = 9115


class Blackbox(Rival):
    """Asks when it is asked, as Prometheus does, over connections that stay open; it alerts nobody.

    SMTP: greeting, EHLO, QUIT. IMAP: greeting, CAPABILITY, LOGOUT. HTTP: GET, status and body.
    """

    def __init__(self, host: Host, programs: Path) -> None:
        super().__init__(host, "blackbox", programs)
        self._make(f"blackbox --config.file={_SETTINGS}/blackbox.yml --log.level=error")
        self.host.write(f"{_SETTINGS}/blackbox.yml", _MODULES)
        self._scrapers: Sequence[http.client.HTTPConnection] = ()
        self._threads = ThreadPoolExecutor(len(SERVICES))

    def start(self) -> None:
        """Start its service and connect to it."""
        super().start()
        wait_until(self._connected, 20, "blackbox to answer")

    def stop(self) -> None:
        """Let go of it and stop its service."""
        for scraper in self._scrapers:
            scraper.close()
        super().stop()

    def ask(self) -> None:
        """Have all four services asked at once; raises AssertionError where one fails."""
        paths = [
            f"/probe?module={name.lower()}&target="
            + (f"https://127.0.0.1:{port}/" if name == "HTTPS" else f"127.0.0.1:{port}")
            for name, port in SERVICES.items()
        ]
        answers = self._threads.map(_get, self._scrapers, paths)
        assert all(b"\nprobe_success 1" in answer for answer in answers), "a probe failed"

    def end(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown()

    def _connected(self) -> bool:
        scrapers = [http.client.HTTPConnection("127.0.0.1", _BLACKBOX_PORT, 10) for _ in SERVICES]
        try:
            with inside(self.host.network):
                for scraper in scrapers:
                    scraper.connect()
        except OSError:
            return False
        self._scrapers = scrapers
        return True


def _get(scraper: http.client.HTTPConnection, path: str) -> bytes:
    scraper.request("GET", path)
    return scraper.getresponse().read()
