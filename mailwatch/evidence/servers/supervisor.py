"""Supervisor's log, as docker-mailserver starts its parts: `TIME LEVEL exited: PART (...)`."""

from __future__ import annotations

from mailwatch.evidence.servers.catalogue import Signature

NAME = "the supervisor"

_HEAD = r"^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} )?(?:CRIT|ERRO|WARN|INFO) "
_PART = r"(?P<part>[\w.:-]{1,64})"
_FOR = r"(?:making dispatchers|during fork) for '[^']{1,64}': "

LOOKS_LIKE = (
    rf"{_HEAD}(?:exited: |gave up: |spawned: |spawnerr: |success: |stopped: |waiting for |reaped |"
    r"received SIG|supervisord started|RPC interface)"
)

SIGNATURES = (
    Signature("server-part-failed", rf"{_HEAD}gave up: {_PART} entered FATAL state"),
    Signature(
        "server-part-ended",
        rf"{_HEAD}exited: {_PART} \(exit status (?P<exit_code>\d{{1,3}}); not expected\)",
    ),
    Signature(
        "server-part-ended",
        rf"{_HEAD}exited: {_PART} \(terminated by (?P<signal>SIG\w{{1,8}})[^;]{{0,20}}; "
        r"not expected\)",
    ),
    Signature(
        "server-config-damaged",
        rf"{_HEAD}spawnerr: (?P<words>(?:can't find command|"
        r"command at .{1,150} is not executable).{0,100})",
    ),
    Signature("server-no-process", rf"{_HEAD}spawnerr: Too many processes in process table"),
    Signature("server-no-files", rf"{_HEAD}spawnerr: unknown error {_FOR}E[MN]FILE\b"),
    Signature("server-no-memory", rf"{_HEAD}spawnerr: unknown error {_FOR}ENOMEM\b"),
    Signature(
        "server-told-to-stop",
        rf"{_HEAD}received (?P<signal>SIG(?:TERM|INT|QUIT)) indicating exit request",
    ),
)
