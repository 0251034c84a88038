"""`mailwatch incident export ID`: one archive of an outage, to attach to a bug report."""

from __future__ import annotations

import argparse
import io
import json
import platform
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from mailwatch import __version__
from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import OK
from mailwatch.cli.incidents import ID, as_json, story
from mailwatch.cli.options import load_without_secrets
from mailwatch.cli.output import note, write_file
from mailwatch.config.model import Config
from mailwatch.config.render import plain
from mailwatch.core.say import line
from mailwatch.core.state import Incident
from mailwatch.evidence import keeping, show
from mailwatch.host.identity import answer_of, owner_of
from mailwatch.store.files import StoreError
from mailwatch.store.views import Views


@command(
    ID,
    argument(
        "-o", "--output", type=Path, metavar="FILE",
        help="write to FILE in place of mailwatch-incident-ID.tar.gz here",
    ),
)  # fmt: skip
def export(args: argparse.Namespace) -> int:
    """Write one outage as a .tar.gz: with its evidence, the versions, and no secret.

    It holds addresses and lines of the mail server's log, and the configuration without secrets:
    look through it before you publish it.
    """
    config = load_without_secrets(args)
    directory = config.state_directory

    def packed() -> bytes:
        incident = Views(directory).incident(args.id)
        content = archive(incident, keeping.load(directory, incident.id), config)
        return incident.id.encode() + b"\0" + content

    answer = answer_of(owner_of(directory), packed, (StoreError,))
    name, _, content = answer.partition(b"\0")
    path: Path = args.output or Path(f"mailwatch-incident-{_file_name(name)}.tar.gz")
    write_file(path, content, replace=False)
    note(line("export-written", file=str(path)))
    return OK


def _file_name(identifier: bytes) -> str:
    """Return the id of an incident as a part of a file's name: what says it may be hostile."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", identifier.decode("ascii", "replace"))[:80]


def archive(
    incident: Incident, evidence: Mapping[str, keeping.Kept | None], config: Config
) -> bytes:
    """Return the archive: a folder of the incident's id with plain text and JSON."""
    settings = {
        key: None if one.value is None else plain(one.value) for key, one in config.settings.items()
    }
    files = {
        "incident.json": _json(as_json(incident)),
        "incident.txt": "\n".join([*story(incident), "", *show.lines(evidence)]) + "\n",
        "evidence.json": _json(evidence),
        "config.json": _json(settings),
        "version.txt": f"mailwatch {__version__}\nPython {platform.python_version()}\n"
        f"{platform.platform()}\n",
    }
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, text in files.items():
            content = text.encode("utf-8", "backslashreplace")
            entry = tarfile.TarInfo(f"mailwatch-incident-{incident.id}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(incident.since.wall)
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
