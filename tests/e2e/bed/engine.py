"""The host's own Docker: docker.io under the host's systemd, with its real socket and group."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from tests.e2e.bed.host import Host
from tests.e2e.bed.wait import wait_until

_STARTED_S = 60.0


class Engine:
    """What an admin does with Docker as a whole."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def load(self, tree: Path, tag: str) -> None:
        """Make the image `tag` of a tree, as `docker import` does."""
        with subprocess.Popen(["tar", "-C", tree, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(
                ["nsenter", f"--target={self._host.leader}", "--all", "docker", "import", "-", tag],
                stdin=tar.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        if tar.returncode != 0:
            raise RuntimeError(f"tar failed with {tar.returncode}")

    def stop(self) -> None:
        """Stop Docker for good: without its socket unit, which would start it again."""
        self._host.run("systemctl stop docker.socket docker.service")

    def start(self) -> None:
        """Start Docker and wait until it answers."""
        self._host.run("systemctl start docker.socket docker.service")
        wait_until(self.answers, _STARTED_S, "Docker to answer")

    def answers(self) -> bool:
        """Whether Docker answers through its socket."""
        return self._host.try_run("docker version")[0] == 0

    def docker(self, *arguments: str, timeout_s: float = 300.0) -> str:
        """Run the docker command and return what it said; raises CommandFailed."""
        return self._host.run(shlex.join(["docker", *arguments]), timeout_s)

    def try_docker(self, *arguments: str) -> tuple[int, str]:
        """Run the docker command; return its exit code and what it said."""
        return self._host.try_run(shlex.join(["docker", *arguments]))
