"""Why a part of the evidence could not be read; each follows "not readable, because"."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {
    "file-absent": (
        "there is no {path}: the kernel lacks it, it belongs to a process that has ended, or the "
        "unit hides it (it needs ProcSubset=all and ProtectProc=default)"
    ),
    "file-forbidden": "the user of mailwatch may not read {path}: see it with sudo cat {path}",
    "file-broken": "reading {path} failed ({error}): look for its cause in the kernel's log",
    "file-without-line": "{path} has no line {line}: please report it with your kernel",
    "kernel-unknown": "this kernel words it in a way that mailwatch does not know",
    "no-control-group": "the container has no control group: the kernel lacks them",
    "no-process": "the container does not run: docker ps -a shows since when",
    "room-unknown": "{error}: sudo df -h {path} shows it",
    "clock-hidden": (
        "the unit's ProtectClock=yes forbids adjtimex, and systemd-timesyncd does not run: "
        "timedatectl shows it"
    ),
    "queue-limit-hidden": (
        "the kernel shows it only inside the container's network namespace: sudo nsenter -t {pid} "
        "-n ss -ltn has it in the column Send-Q"
    ),
    "still-busy": (
        "it is still busy with an earlier look: a disk, the kernel or Docker keeps it waiting, "
        "and what it waits for is in the column WCHAN of ps -eLo pid,wchan:32,comm"
    ),
    "look-late": "no answer came within {took_s:duration}: raise [evidence] wait_s",
    "look-cut-short": "its time ran out: raise [evidence] wait_s",
    "too-long": "it was too long to be kept",
}
