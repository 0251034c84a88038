"""What the kernel and systemd have written down about a process: CPU, memory, moments."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.e2e.bed.host import Host

_CPUCLOCK_SCHED = 2


@dataclass(frozen=True)
class Process:
    """One process of the host, by the number that the host knows it by."""

    host: Host
    pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU so far, user and system, of all its threads, also of ended ones.

        The scheduler's count, to the nanosecond: the process's CPU clock, as
        clock_getcpuclockid(3) names it. /proc/PID/stat shows the same, in steps of 10 ms.
        """
        return time.clock_gettime(~self._seen_from_here << 3 | _CPUCLOCK_SCHED)

    @cached_property
    def _seen_from_here(self) -> int:
        namespace = os.readlink(f"/proc/{self.host.leader}/ns/pid")
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = re.search(r"^NSpid:(.*)$", status.read_text(), re.M)
                mine = numbers and numbers[1].split()[-1] == str(self.pid)
                if mine and os.readlink(status.with_name("ns") / "pid") == namespace:
                    return int(status.parent.name)
            except OSError:  # it ended while we looked
                continue
        raise ProcessLookupError(f"the host has no process {self.pid}")

    def resident_mib(self) -> float:
        """Resident memory (VmRSS), shared libraries included."""
        return self._status("VmRSS") / 1024

    def written(self) -> int:
        """Bytes that it has caused to be written to a disk (write_bytes of proc_pid_io(5))."""
        text = self.host.run(f"cat /proc/{self.pid}/io")
        found = re.search(r"^write_bytes: (\d+)", text, re.M)
        assert found, text
        return int(found[1])

    def most_resident_mib(self) -> float:
        """The most that was resident so far (VmHWM)."""
        return self._status("VmHWM") / 1024

    def private_mib(self) -> float:
        """What would become free if it ended (Private_Clean and Private_Dirty)."""
        text = self.host.run(f"cat /proc/{self.pid}/smaps_rollup")
        return sum(int(kib) for kib in re.findall(r"^Private_\w+: +(\d+) kB", text, re.M)) / 1024

    def threads(self) -> int:
        """How many threads it has."""
        return self._status("Threads")

    def connected_to(self) -> set[int]:
        """The TCP ports of 127.0.0.1 to which anybody in its network is connected right now."""
        text = self.host.run(f"cat /proc/{self.pid}/net/tcp")
        found = re.findall(r": [0-9A-F]{8}:[0-9A-F]{4} 0100007F:([0-9A-F]{4}) 01 ", text)
        return {int(port, 16) for port in found}

    def _status(self, name: str) -> int:
        text = self.host.run(f"cat /proc/{self.pid}/status")
        found = re.search(rf"^{name}:\s+(\d+)", text, re.M)
        assert found, f"/proc/{self.pid}/status has no {name}"
        return int(found[1])


def process_of(host: Host, unit: str) -> Process:
    """Return the main process of a unit that runs."""
    pid = int(host.show(unit, "MainPID"))
    assert pid, f"{unit} does not run"
    return Process(host, pid)


def between_s(host: Host, unit: str, first: str, last: str) -> float:
    """Return the seconds between two moments that systemd noted, such as ActiveEnter."""
    moments = [int(host.show(unit, f"{name}TimestampMonotonic")) for name in (first, last)]
    return (moments[1] - moments[0]) / 1e6
