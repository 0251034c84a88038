"""The DNS of a mail domain: its MX, and an address for each of them (RFC 5321 section 5, RFC 7505).

The one module that imports dnspython, which is optional: the system's own resolver cannot ask for
an MX. A resolver that fails or keeps silent is our own trouble; only a clear answer counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailwatch.core.address import is_numeric
from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.facts import Value, fact
from mailwatch.core.keys import Key, Kind, boolean
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.errors import ConversationError
from mailwatch.probes.portless_check import PortlessCheck
from mailwatch.probes.settings import ServiceSettings, options

if TYPE_CHECKING:
    from dns.resolver import Resolver

_LATE = fact("dns-late")
_MOST_TARGETS = 10
"""More MX than these are not looked at; a domain has one to five."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Whose mail is looked for, and whether an address will do in place of an MX."""

    domain: str | None = None
    implicit_mx: bool = False


KEYS = (
    Key("domain", Kind.HOST, None,
        "Domain of the mail addresses, whose MX is looked for. It needs the package "
        "python3-dnspython.", required=True, example='"example.org"'),
    boolean("implicit_mx", False,
            "Whether a domain without an MX is well as long as it has an address. Mail then goes "
            "to that address (RFC 5321, section 5.1), which most often is a web server's; so a "
            "lost MX is told unless this says that it is meant. A null MX (RFC 7505) always is."),
)  # fmt: skip


def judge(at: str, service: ServiceSettings, _given: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give what the options contradict: the key, and the sentence on it."""
    domain = options(service, Settings).domain
    if domain and is_numeric(domain):
        yield (
            "domain",
            f'{at}.domain is the text "{printable(domain, 80)}"; write the domain of the mail '
            'addresses, such as "example.org"',
        )


class DnsProbe(PortlessCheck):
    """Asks for the MX of `domain`, and for A and AAAA of each."""

    def inquire(self, deadline: Deadline) -> None:
        """Find every MX, and an address for each.

        An answer of 64 KiB can keep dnspython for half a minute; the thread it has is let go.
        """
        rules = options(self.settings, Settings)
        domain = rules.domain or ""
        records = _resolve(domain, "MX", deadline)
        if not records and rules.implicit_mx:
            if not _has_address(domain, deadline):
                raise ConversationError.of(Fault.DNS, "dns-nowhere", domain=domain)
            return
        lost = [one for one in _targets(domain, records) if not _has_address(one, deadline)]
        if lost:
            targets = tuple(printable(target, 80) for target in lost)
            raise ConversationError.of(Fault.DNS, "dns-lost-mx", domain=domain, targets=targets)


PROBE = DnsProbe


def _has_address(name: str, deadline: Deadline) -> bool:
    return any(_resolve(name, kind, deadline) for kind in ("A", "AAAA"))


def _targets(domain: str, records: Sequence[Any]) -> list[str]:
    if not records:
        raise ConversationError.of(Fault.DNS, "dns-no-mx", domain=domain)
    # Which attributes a record has depends on its kind.
    found = sorted((int(one.preference), str(one.exchange)) for one in records)
    if any(target == "." for _, target in found):
        raise ConversationError.of(Fault.DNS, "dns-null-mx", domain=domain)
    return list(dict.fromkeys(target for _, target in found))[:_MOST_TARGETS]


def _resolve(name: str, kind: str, deadline: Deadline) -> Sequence[Any]:
    """Return the records of `name`, none where a server says so; raises ConversationError."""
    try:
        from dns import exception, resolver
    except ImportError:
        raise ConversationError.of(None, "dnspython-missing") from None
    why: Value = _LATE
    try:
        answer = new_resolver().resolve(
            name, kind, lifetime=deadline.remaining(), search=False, raise_on_no_answer=False
        )
        return list(answer.rrset or ())
    except resolver.NXDOMAIN:
        return []
    except (exception.Timeout, DeadlineExpired):
        pass
    except resolver.NoNameservers:
        why = fact("dns-error")
    except (exception.DNSException, OSError, UnicodeError) as error:
        why = type(error).__name__
    raise _unresolved(name, kind, why)


def _unresolved(name: str, kind: str, why: Value) -> ConversationError:
    shown = printable(name, 80)
    return ConversationError.of(None, "dns-unresolved", record=kind, name=shown, why=why)


def new_resolver() -> Resolver:
    """Return a resolver that asks whom /etc/resolv.conf names at this moment."""
    from dns.resolver import Resolver

    return Resolver()
