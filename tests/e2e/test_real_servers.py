"""Real servers in real trouble: what mailwatch makes of them, and whether it would restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import tomli_w

from mailwatch.core.model import Fault
from mailwatch.core.policy import CURABLE_BY_DEFAULT
from tests.e2e.bed.box import Box
from tests.e2e.bed.images import HOST, MAIL, OTHERS, Image, built
from tests.e2e.bed.need import TOP
from tests.e2e.bed.watcher import Table

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("_tree")]

WELL, SICK, AWAY, WRONG = (None, False), ("protocol", True), ("rejected", False), ("rule", False)
"""The fault, and whether a restart may cure it where nothing is configured: of who is well, who is
sick and says so, who turns us away, and what the admin has to correct."""

ANNA: Table = {"user": "anna@example.test"}
"""With the password that `_check` puts beside it."""

Expected = tuple[Table, tuple[str | None, bool], str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Servers of an image, put into trouble by a script, and what is to be said of each."""

    image: Image
    script: str
    services: Mapping[str, Expected]


_SERVE = "dovecot -F &\nnginx -g 'daemon off;' &\npostfix start-fg >/run/postfix.log 2>&1 &\n"

POSTFIX = Trouble(
    MAIL,
    # The first lookup of a password ends Dovecot's auth process, as a crash does.
    r"""
printf '#!/bin/sh\nkill -9 $PPID\n' >/usr/local/bin/die
chmod 755 /usr/local/bin/die
sed -i '/^passdb/,/^}/d' /etc/dovecot/dovecot.conf
echo 'passdb {
  driver = checkpassword
  args = /usr/local/bin/die
}' >>/etc/dovecot/dovecot.conf
postconf -e 'smtpd_reject_footer=\c; see https://example.test/help\nfor more' \
    smtpd_delay_reject=no smtpd_client_restrictions=reject
postconf -P submission/inet/smtpd_client_restrictions= smtps/inet/smtpd_client_restrictions=
"""
    + _SERVE,
    {
        "footer": (
            {"port": 25, "probe": "smtp"},
            AWAY,
            "<unknown[127.0.0.1]>: Client host rejected: Access denied; see "
            "https://example.test/help for more', not 220",
        ),
        "auth lost": (
            {"port": 587, "probe": "smtp", "tls": "starttls", **ANNA},
            SICK,
            "'454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
        ),
        "plain to TLS": (
            {"port": 443, "probe": "http", "tls": "none"},
            WRONG,
            "'HTTP/1.1 400 Bad Request' came back: set tls = \"implicit\"",
        ),
        "TLS": ({"port": 443, "probe": "http", "tls": "implicit"}, WELL, ""),
    },
)

DOVECOT = Trouble(
    MAIL,
    "printf 'service auth {\n executable = /bin/false\n}\n' >>/etc/dovecot/dovecot.conf\n" + _SERVE,
    {
        "IMAP": (
            {"port": 143, "probe": "imap"},
            SICK,
            "the greeting should be '* OK' or '* PREAUTH', but was '* BYE Auth process broken'",
        ),
        "POP3": (
            {"port": 110, "probe": "pop3"},
            SICK,
            "the greeting was '-ERR Auth process broken', not +OK",
        ),
        "SIEVE": (
            {"port": 4190, "probe": "sieve"},
            SICK,
            """the greeting was 'BYE (TRYLATER) "Auth process broken"', not OK""",
        ),
    },
)

# Dovecot says OK to the login, and then that it cannot open the mailbox.
MAILBOX = Trouble(
    MAIL,
    "sed -i '/^mail_location/s/=.*/= nonsense:/' /etc/dovecot/dovecot.conf\n" + _SERVE,
    {
        "IMAPS": (
            {"port": 993, "probe": "imap", "tls": "implicit", **ANNA},
            SICK,
            "the answer to NOOP was '* BYE Internal error occurred.",
        ),
        "IMAP": ({"port": 143, "probe": "imap"}, WELL, ""),
    },
)

CANARY: Table = {
    "port": 465, "probe": "canary", "tls": "implicit", "sender": "anna@example.test",
    "recipient": "anna@example.test", **ANNA,
}  # fmt: skip
INDEX = Trouble(
    MAIL,
    """
echo 'mail_plugins = fts fts_xapian
plugin {
  fts = xapian
  fts_xapian = partial=3 full=20
  fts_enforced = yes
  fts_autoindex = no
}' >>/etc/dovecot/dovecot.conf
"""
    + _SERVE,
    # What its index does not hold, SEARCH does not find.
    {"canary": (CANARY, WELL, "")},
)

EXIM = Trouble(
    HOST,
    r"""
cat >/etc/exim4/trouble.conf <<'END'
primary_hostname = exim.example.test
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = 25 : 26 : 27 : 28
acl_smtp_connect = connect
acl_smtp_helo = hello
begin acl
connect:
  defer
    condition = ${if eq{$received_port}{25}}
    message = this is a long sentence about who we are and what we do, as lawyers love it;\n\
      your host is on our blocklist
  deny
    condition = ${if eq{$received_port}{26}}
    hosts = /nowhere
  accept
hello:
  defer
    condition = ${if eq{$received_port}{27}}
    message = we thank you for your patience, which we know we ask for at this late hour; \
      our database is down
  drop
    condition = ${if eq{$received_port}{28}}
    message = Welcome.\nWe are sorry.\nYour host is banned here.
  accept
END
exim4 -C /etc/exim4/trouble.conf -bdf &
""",
    {
        "deferred": (
            {"port": 25, "probe": "smtp"},
            AWAY,
            "'451 this is a long sentence about who we are and what we do, as lawyers love it; "
            "your host is on our blocklist', not 220",
        ),
        "without its file": (
            {"port": 26, "probe": "smtp"},
            SICK,
            "the greeting was '421 Unexpected failure, please try later', not 220",
        ),
        "wrapped": (
            {"port": 27, "probe": "smtp"},
            SICK,
            "'451 we thank you for your patience, which we know we ask for at this late hour; "
            "our database is down', not 250",
        ),
        "banned": (
            {"port": 28, "probe": "smtp"},
            AWAY,
            "'550 Welcome. We are sorry. Your host is banned here.', not 250",
        ),
    },
)

COURIER = Trouble(
    OTHERS,
    # authdaemond, which both ask for passwords, was never started.
    "install -d -m 775 -g courier /run/courier\npop3d start\nimapd start\n",
    {
        "POP3": (
            {"port": 110, "probe": "pop3", **ANNA},
            SICK,
            "the answer to PASS was '-ERR Temporary problem, please try again later', not +OK",
        ),
        "IMAP": (
            {"port": 143, "probe": "imap", **ANNA},
            SICK,
            "the answer to the login was '* BYE Temporary problem, please try again later'",
        ),
        "POP3 without a login": ({"port": 110, "probe": "pop3"}, WELL, ""),
        "IMAP without a login": ({"port": 143, "probe": "imap"}, WELL, ""),
    },
)

CYRUS = Trouble(
    OTHERS,
    "install -d -o cyrus -g mail /run/cyrus /run/cyrus/socket\ncyrmaster &\n",
    {
        "login": (
            {"port": 1143, "probe": "imap", **ANNA},
            SICK,
            "the answer to the login was 'a4 NO generic failure', not 'a4 OK'",
        ),
        "IMAP": ({"port": 1143, "probe": "imap"}, WELL, ""),
        "SIEVE": ({"port": 4190, "probe": "sieve"}, WELL, ""),
    },
)

OPENSMTPD = Trouble(
    OTHERS,
    "smtpd -d &\n",
    {
        "away": (
            {"port": 25, "probe": "smtp"},
            AWAY,
            "the greeting was '550 your address is on our list', not 220",
        ),
        "ill": (
            {"port": 26, "probe": "smtp"},
            SICK,
            "the answer to EHLO was '451 4.3.0 come back later', not 250",
        ),
        "well": ({"port": 587, "probe": "smtp"}, WELL, ""),
    },
)

TROUBLES = {
    "Postfix and nginx": POSTFIX,
    "Dovecot without auth": DOVECOT,
    "Dovecot without mailboxes": MAILBOX,
    "Dovecot with a blind index": INDEX,
    "Exim": EXIM,
    "Courier": COURIER,
    "Cyrus": CYRUS,
    "OpenSMTPD": OPENSMTPD,
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_real_servers_in_trouble(trouble: Trouble, tmp_path: Path) -> None:
    """Who blames itself is restarted, who turns us away or needs the admin is told of, in full."""
    with Box(built(trouble.image), trouble.script) as box:
        ports = [expected[0]["port"] for expected in trouble.services.values()]
        box.wait_for(*(port for port in ports if isinstance(port, int)))
        asked = {name: table for name, (table, _, _) in trouble.services.items()}
        readings = _check(box, tmp_path, asked)
        log = box.log()
    found = {
        name: (one["fault"], one["fault"] is not None and Fault(one["fault"]) in CURABLE_BY_DEFAULT)
        for name, one in readings.items()
    }
    judged = {name: judgement for name, (_, judgement, _) in trouble.services.items()}
    assert found == judged, f"{readings}\n{log}"
    for name, (_, _, words) in trouble.services.items():
        said = readings[name]["detail"] or ""
        assert words in said if words else not said, f"{name}: {said}"
        assert "secret" not in said


def _check(box: Box, place: Path, asked: Mapping[str, Table]) -> dict[str, dict[str, str | None]]:
    """Ask each service once from within the box; return its reading by its name."""
    password = place / "password"
    password.write_text("secret")
    password.chmod(0o600)
    services = [
        {"name": name, **table} | ({"password_file": str(password)} if "user" in table else {})
        for name, table in asked.items()
    ]
    file = place / "mailwatch.toml"
    file.write_text(tomli_w.dumps({"watch": {"attempt_timeout_s": 30}, "services": services}))
    done = subprocess.run(
        ["nsenter", f"--net={box.network}", sys.executable, "-m", "mailwatch", "check", "--json",
         "--once", "--config", file],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return {one["service"].rpartition(":")[0]: one for one in json.loads(done.stdout)["services"]}
