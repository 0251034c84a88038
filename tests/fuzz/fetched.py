"""How a mailbox tells of one message: the answer to FETCH, as the tests of a canary say it."""

from __future__ import annotations


def fetched(uid: int, header: str, day: int) -> bytes:
    """Return the answer for the message `uid`, which came on that day of January 2026.

    `header` is in ASCII and ends in an empty line; `day` is 1 to 9 (RFC 9051, section 7.5.2).
    """
    date = f"0{day}-Jan-2026 03:04:05 +0000"
    answer = f'* {uid} FETCH (UID {uid} INTERNALDATE "{date}" BODY[] {{{len(header)}}}\r\n'
    return f"{answer}{header})\r\n".encode()
