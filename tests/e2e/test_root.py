"""Root uses mailwatch on a host where somebody else has become the user of the service."""

from __future__ import annotations

import base64
from pathlib import PurePosixPath

import pytest

from tests.e2e.bed.host import Host
from tests.e2e.bed.watcher import UNIT, Watcher

pytestmark = pytest.mark.e2e

STATE = PurePosixPath("/var/lib/mailwatch")
AS_SERVICE = "setpriv --reuid=mailwatch --regid=mailwatch --clear-groups"
COMMANDS = (
    "incidents", "incident show last", "incident show last --json",
    "incident export last -o /root/export.tar.gz", "report",
)  # fmt: skip

POISON = r"""
import os, sqlite3, struct
os.chdir("/var/lib/mailwatch")
db = sqlite3.connect("mailwatch.db")
value = '{"id": "\\u001b]52;c;cm0gLXJm\\u0007\\n<2>forged", "since": {"steady": 0, "wall": 1e300}}'
if KIND == "words":
    db.execute("INSERT INTO incidents (id, value) VALUES (?, ?)", ("last\x1b[2J", value))
elif KIND == "long":
    db.execute("INSERT INTO incidents (id, value) VALUES ('long', printf('%.*c', 90000000, 'x'))")
elif KIND == "nested":
    deep = '{"code": "x", "args": {"a": ' * 900 + '1' + '}}' * 900
    deep = '{"id": "deep", "cause": ' + deep + "}"
    db.execute("INSERT INTO incidents (id, value) VALUES ('deep', ?)", (deep,))
elif KIND == "view":
    db.execute("ALTER TABLE incidents RENAME TO kept")
    db.execute("CREATE VIEW incidents AS WITH RECURSIVE n(i) AS "
               "(SELECT 1 UNION ALL SELECT i FROM n) "
               "SELECT i AS number, 'x' AS id, NULL AS closed_wall, 'x' AS value FROM n")
elif KIND == "pipe":
    db.execute("INSERT INTO incidents (id, value) SELECT '20260101T000000Z', "
               "json_set(value, '$.id', '20260101T000000Z') FROM incidents LIMIT 1")
    os.makedirs("evidence", exist_ok=True)
    os.mkfifo("evidence/20260101T000000Z.before.json.gz")
elif KIND == "journal":
    db.execute("PRAGMA journal_mode = DELETE")
    name = b"/root/precious"
    with open("mailwatch.db-journal", "wb") as file:
        magic = bytes.fromhex("d9d505f920a163d7")
        file.write(magic + struct.pack(">5I", 0, 0, 1, 512, 4096))
        file.write(bytes(512 - file.tell()))
        lock_page = 0x40000000 // 4096 + 1
        file.write(struct.pack(">I", lock_page) + name)
        file.write(struct.pack(">II", len(name), sum(name)) + magic)
db.commit()
db.close()
"""


@pytest.fixture
def kept(host: Host, watcher: Watcher) -> str:
    """Have a service that ran and was stopped; return a copy of what it keeps, put back after."""
    watcher.configure()
    watcher.start()
    watcher.wait_for_status("4 of 4 services answer")
    watcher.stop()
    return str(STATE)


def test_what_root_reads_of_a_poisoned_state_harms_nobody(host: Host, kept: str) -> None:
    """Each command ends in time, with words that no terminal obeys, and removes no file of root.

    The state is poisoned with words, a long text, a deep one, a view without end, a pipe, and a
    journal that names a file of root's for SQLite to remove.
    """
    for kind in ("words", "long", "nested", "view", "pipe", "journal"):
        host.run(f"rm -rf /root/kept && cp -a {kept} /root/kept && echo precious >/root/precious")
        try:
            program = base64.b64encode(POISON.replace("KIND", repr(kind)).encode()).decode()
            host.run(f'{AS_SERVICE} python3 -c "$(echo {program} | base64 -d)"')
            for command in COMMANDS:
                code, said = host.try_run(f"timeout 60 mailwatch {command}", 90)
                assert code not in (124, 137), f"{kind}: {command} did not end"
                assert "Traceback" not in said, said
                assert not {"\x1b", "\x07"} & set(said), f"{kind}: {command}: {said!r}"
            assert host.run("cat /root/precious") == "precious"
        finally:
            host.run(f"rm -rf {kept} /root/export.tar.gz && mv /root/kept {kept}")


def test_what_root_writes_is_roots(host: Host, kept: str) -> None:
    """A file is never handed to the owner of the one, or put behind the link, that stood there."""
    host.run("install -d -o mailwatch /srv/theirs && echo secret >/root/target")
    host.write("/root/old.env", "GOTIFY_URL=https://push.example.org\nGOTIFY_TOKEN=AbcDefGhi\n")
    try:
        host.run(f"{AS_SERVICE} touch /srv/theirs/file")
        host.run(f"{AS_SERVICE} ln -s /root/target /srv/theirs/link")
        for name in ("file", "link"):
            host.run(f"mailwatch import-env /root/old.env --force -o /srv/theirs/{name}")
            assert host.run(f"stat -c '%U %a' /srv/theirs/{name}") == "root 600"
        assert host.run("cat /root/target") == "secret"
    finally:
        host.run("rm -rf /srv/theirs /root/target /root/old.env")


def test_no_code_in_the_home_of_the_service_runs(host: Host, watcher: Watcher, kept: str) -> None:
    """Whoever can write there gains nothing at the next start, which has the right to Docker."""
    version = host.run("python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'")
    place = f"{kept}/.local/lib/python{version}/site-packages"
    marker = f"{kept}/marker"
    host.run(f"{AS_SERVICE} mkdir -p {place}")
    try:
        host.run(
            f'{AS_SERVICE} sh -c \'echo "open(\\"{marker}\\", \\"w\\")" '
            f"| tee {place}/usercustomize.py >{place}/sitecustomize.py'"
        )
        watcher.start()
        watcher.wait_for_status("4 of 4 services answer")
        host.run(f"systemctl stop {UNIT}")
        assert host.try_run(f"test -e {marker}")[0] != 0
    finally:
        host.run(f"rm -rf {kept}/.local {marker}")
