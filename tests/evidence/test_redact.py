"""No secret that logs of mail servers are known to hold is kept."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.secret import Secret
from mailwatch.evidence.redact import MASK, redacted

LEAKS = (
    "Authorization: Bearer S3CR3T-abcdef",
    "authorization=Basic dXNlcjpTM0NSM1Q=S3CR3T",
    "Proxy-Authorization: Digest username=S3CR3T",
    '"authorization": "Bearer S3CR3T.x"',
    "X-Gotify-Key: S3CR3T",
    "x-api-key=S3CR3T",
    "Cookie: session=S3CR3T; other=S3CR3T",
    "Set-Cookie: id=S3CR3T; Path=/",
    "header bearer S3CR3T-token seen",
    "AUTH PLAIN S3CR3T==",
    "C: AUTH LOGIN S3CR3T",
    "a1 AUTHENTICATE PLAIN S3CR3T=",
    "AUTHENTICATE \"PLAIN\" \"S3CR3T\"",
    "334 UGFzc3dvcmQ6\nS3CR3T==",
    "S: 334 VXNlcm5hbWU6\nC: S3CR3T",
    "a001 LOGIN joe S3CR3T",
    'a001 login "joe" "S3CR3T with blanks"',
    "PASS S3CR3T",
    "APOP mrose c4c9334bac560ecc979e58001b3e22fbS3CR3T",
    "https://joe:S3CR3T@mail.example.org/",
    "password=S3CR3T",
    "password = 'S3CR3T with blanks'",
    '{"password": "S3CR3T \\" quoted", "user": "joe"}',
    "passwd: S3CR3T",
    "db.password:S3CR3T",
    "STALWART_ADMIN_PASSWORD=S3CR3T",
    "client_secret=S3CR3T&grant=x",
    "?access_token=S3CR3T HTTP/1.1",
    "--api-key S3CR3T --verbose",
    "refresh-token: S3CR3T",
    "-----BEGIN RSA PRIVATE KEY-----\nS3CR3T\nS3CR3T\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nS3CR3T",
    "server.bootstrap: administrator account 'admin' with password 'S3CR3T with blanks'",
    'said "{\\"password\\":\\"S3CR3T\\",\\"user\\":\\"joe\\"}"',
    "db pass=S3CR3T host=x",
    "MYSQL_PWD=S3CR3T",
    "olcRootDN x bindpw S3CR3T",
    "GET /message?key=S3CR3T&x=1 HTTP/1.1",
    "C: AUTH LOGIN\nC: dXNlcg==\nC: S3CR3T==",
    "> AUTH PLAIN\n> AHVzZXIAUzNDUjNU/S3CR3T",
    "a1 LOGIN joe {6}\nS3CR3T",
    "a1 LOGIN {3}\njoe {6}\nS3CR3T",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCS3CR3T\nabcdS3CR3T==\n-----END PRIVATE KEY-----",
    'one line "-----BEGIN PRIVATE KEY-----\\nS3CR3T\\n-----END PRIVATE KEY-----"',
    "AWS_SECRET_ACCESS_KEY=S3CR3T",
    "token=\"S3CR3T",
    "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTM0NSM1QifQ.S3CR3T-abc",
)  # fmt: skip

HARMLESS = (
    "imap-login: Info: Login: user=<joe>, method=PLAIN, rip=203.0.113.5, lip=172.17.0.2, TLS",
    "postfix/smtpd[12]: connect from unknown[203.0.113.5]",
    "passed all checks; 12 connections bypassed the limit",
    "Nov 22 03:14:02 mail dovecot: auth: Error: Disconnected: Connection queue full",
    "2026-11-22T03:14:02Z INFO Listener started (network.listen-start) listenerId = \"imaps\"",
)  # fmt: skip


STAMP = "2026-11-28T03:14:02.123456789Z "
HEADS = {
    "bare": "",
    "an engine's": STAMP,
    "an engine's with a zone": "2026-11-28T03:14:02.123456789+01:00 ",
    "syslog's": "Nov 28 03:14:02 mx postfix/smtpd[123]: ",
    "syslog's of today": "2026-11-28T03:14:02.802785+01:00 mx postfix/smtpd[123]: ",
    "both": f"{STAMP}Nov  8 03:14:02 mx dovecot: imap-login: ",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("text", LEAKS)
def test_secrets_are_masked(text: str, head: str) -> None:
    """Headers, AUTH exchanges, logins, passwords, tokens, keys: gone, and seen to be."""
    kept = redacted("".join(f"{head}{line}\n" for line in ("before", *text.split("\n"), "after")))
    assert "S3CR3T" not in kept
    assert MASK in kept
    assert kept.startswith(f"{head}before\n")


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_the_time_of_an_answer_is_kept(head: str) -> None:
    """When it came, and to whom, helps; what it was is a secret."""
    said = f"{head}C: AUTH LOGIN\n{head}"
    assert redacted(f"{said}dXNlcg==\n{head}S3CR3T==") == f"{said}{MASK}\n{head}{MASK}"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_helps_is_left_as_it_is(text: str) -> None:
    """Addresses, users and errors are what the log is kept for."""
    assert redacted(text) == text


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    """The Gotify token is masked without anything around it that gives it away."""
    assert redacted("seen AbcDefGhi here", (Secret("AbcDefGhi"),)) == f"seen {MASK} here"


def test_a_known_secret_is_masked_in_any_case() -> None:
    """Some peers echo a token in capitals."""
    assert redacted("GET /ABCDEFGHI", (Secret("AbcDefGhi"),)) == f"GET /{MASK}"


WORST = {
    one: one for one in (
    "334 ", "-", "--", "x-", "eyj-", "a", "a.", "password ", "password=", "password='", "://a:",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----BEGIN ", "auth login\n",
    "334 \n", "a1 login {3}\n", "\\\"password\\\":\\\"", "key=", "?key=", " pass ", "basic ", "{1}",
    "login ", "\\", "'", "=", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\n", " \t", "1 login a ",
    )
} | {
    "an answer of slashes": "auth login\n/",
    "an answer of signs": "auth login\n-",
    "a head that never ends": "auth login\nNov 28 03:14:02 a",
}  # fmt: skip
"""What is repeated; of what has two lines the end of the second."""


@pytest.mark.parametrize("part", WORST.values(), ids=WORST)
def test_the_time_is_linear_in_what_is_hostile(part: str) -> None:
    """Sixteen times the text takes about sixteen times as long, and not its square."""

    def took(size: int) -> float:
        first, cut, last = part.rpartition("\n")
        text = f"{first}{cut}{last * (size // len(last))}!" if last else part * (size // len(part))
        took = []
        for _ in range(2):
            began = time.process_time()
            redacted(text)
            took.append(time.process_time() - began)
        return min(took)

    small = max(took(1 << 12), 0.0005)
    assert took(1 << 16) < small * 16 * 4


@given(st.text(max_size=300))
def test_any_text_can_be_redacted(text: str) -> None:
    """No log breaks it, and a second time changes nothing that is not already masked."""
    once = redacted(text)
    assert redacted(once).count("\n") <= text.count("\n") + 1


def test_a_long_log_is_redacted_in_no_time() -> None:
    """No pattern backtracks over the 64 KiB that are kept of a hostile log."""
    for part in ("a" * 65_000, "password " * 7000, "auth plain " * 6000, "x:" * 32_000):
        redacted(part)
