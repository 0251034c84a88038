"""The DNS of a mail domain: its MX, and an address for each of them (RFC 5321 section 5, RFC 7505).

The one module that imports dnspython, which is optional: the system's own resolver cannot ask for
an MX. A resolver that fails or keeps silent is our own trouble; only a clear answer counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
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

HOSTS = Path("/etc/hosts")
"""From here systemd-resolved answers first, mostly 127.0.1.1 for this host itself (hosts(5))."""


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
    """Asks for the MX of `domain`, and for A and AAAA of each.

    What is clearly wrong with one counts before what could not be looked up of another.
    """

    def inquire(self, deadline: Deadline) -> None:
        """Find every MX, and an address for each.

        An answer of 64 KiB can keep dnspython for half a minute; the thread it has is let go.
        """
        rules = options(self.settings, Settings)
        domain = rules.domain or ""
        records = _resolve(domain, "MX", deadline)
        implicit = not records and rules.implicit_mx
        lost, astray, troubles = [], {}, []
        for target in [domain] if implicit else _targets(domain, records):
            try:
                useless = _useless_addresses(target, deadline)
            except ConversationError as trouble:
                troubles.append(trouble)
                continue
            if useless == []:
                lost.append(printable(target, 80))
            elif useless:
                astray[printable(target, 80)] = useless
        if lost and implicit:
            raise ConversationError.of(Fault.DNS, "dns-nowhere", domain=domain)
        if lost:
            raise ConversationError.of(Fault.DNS, "dns-lost-mx", domain=domain, targets=tuple(lost))
        if astray:
            addresses = tuple(address for some in astray.values() for address in some)
            raise ConversationError.of(
                Fault.DNS,
                "dns-astray",
                domain=domain,
                targets=tuple(astray),
                addresses=addresses,
            )
        if troubles:
            raise troubles[0]


PROBE = DnsProbe


def _useless_addresses(name: str, deadline: Deadline) -> list[str] | None:
    """Return the addresses of `name` if mail can reach none of them, and None if it has another.

    An address of either kind will do, whatever has become of the question for the other one.
    Raises ConversationError where that is not known.
    """
    found, trouble = [], None
    for kind, share in (("A", 2), ("AAAA", 1)):
        try:
            part = deadline.sooner(deadline.remaining() / share)
            records = _resolve(name, kind, part)
        except DeadlineExpired:
            trouble = _unresolved(name, kind, _LATE)
        except ConversationError as error:
            trouble = error
        else:
            found += [str(one) for one in records]
            if not all(map(_is_useless, found)):
                return None
    if trouble:
        raise trouble
    if found and _is_in_hosts_file(name):
        raise _unresolved(name, "A", fact("dns-hosts-file", path=str(HOSTS)))
    return found


def _is_useless(address: str) -> bool:
    """Whether `address` leads every sender to itself or to its own network, or nowhere."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip
    return ip.is_loopback or ip.is_unspecified or ip.is_link_local or ip.is_multicast


def _is_in_hosts_file(name: str) -> bool:
    wanted = name.removesuffix(".").lower()
    try:
        lines = HOSTS.read_text("utf-8", "replace").lower().splitlines()
    except OSError:
        return False
    return any(wanted in line.partition("#")[0].split()[1:] for line in lines)


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
