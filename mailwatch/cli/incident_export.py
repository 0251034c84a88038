"""`mailwatch incident export ID`: one archive of an outage, to attach to a bug report."""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from mailwatch import __version__
from mailwatch.cli.exit_codes import CANNOT_CREATE, OK
from mailwatch.cli.incident_text import as_json, story
from mailwatch.cli.options import add_options, load_without_secrets
from mailwatch.cli.private_file import cannot_write
from mailwatch.config.model import Config
from mailwatch.config.render import plain
from mailwatch.core.state import Incident
from mailwatch.core.text import printable
from mailwatch.evidence import keeping, show
from mailwatch.store.views import Views


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes, but for the incident's id."""
    parser.description = (
        "Write one outage with its evidence, the configuration without secrets and the versions "
        "into one .tar.gz. It holds addresses and lines of the mail server's log: look through it "
        "before you publish it."
    )
    add_options(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE",
        help="write to FILE in place of mailwatch-incident-ID.tar.gz here",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the archive; raises ConfigError and StoreError."""
    config = load_without_secrets(args)
    incident = Views(config.state_directory).incident(args.id)
    evidence = keeping.load(config.state_directory, incident.id)
    path: Path = args.output or Path(f"mailwatch-incident-{incident.id}.tar.gz")
    content = archive(incident, evidence, config)
    try:
        # What it holds is nobody else's business, so a new file is for its owner alone.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        print(cannot_write(path, error), file=sys.stderr)
        return CANNOT_CREATE
    print(f"{printable(str(path))} written: look through it before you publish it", file=sys.stderr)
    return OK


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
