"""The likely causes of an outage, a clause each: their codes are those of `evidence.causes`."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Plural, Sentences

_LIMIT = ", at its limit of {limit_bytes:size}"
_KILLED = "out of memory: the container was killed"
_ONE_KILLED = "out of memory: a process of the container was killed"
_SOME_KILLED = "out of memory: {kills:whole} processes of the container were killed"
_FILES = "{name:32} has {used:count} of {limit:count} files open"
_CROWD = _FILES + ", {connections:count} of them connections to {port}"
_LIKELY_FILES = (
    "{name:32} may have {limit:count} files open, and has {connections:count} connections to {port}"
)
_ORIGIN = ", {most:count} of these from {address}"
_ENDED = "the container does not run: it is {status}"
_CODE = " with exit code {exit_code:whole}"
_WORDS = "; its last words: {words:100}"
_AT_ONCE = "or a connection limit: all is dropped at once while the container listens"

SENTENCES: Sentences = {
    "cause-line": "{cause:cause}",
    "accept-queue-full": Given(
        "prefix",
        "accept queue full on {port} with {connections:whole} connections from {prefix}",
        Given(
            "address",
            "accept queue full on {port} with {connections:whole} connections from {address}",
            "accept queue full on {port} with {connections:whole} connections",
        ),
    ),
    "ban": Given(
        "seen_as", "ban of {seen_as} (this host, as it sees it), " + _AT_ONCE, "ban " + _AT_ONCE
    ),
    "conntrack-full": (
        "the host's connection tracking table is full: {used:whole} of {limit:whole}"
    ),
    "disk-full": "disk full: {path} has {free_bytes:size} of {size_bytes:size} free",
    "disk-silent": "the disk of {directory} does not answer, so others on it may hang, too",
    "docker-hung": "Docker does not answer: it hangs or is stopped",
    "filtered": "a packet filter keeps this host from {services:names}",
    "no-descriptors": "the host has no file descriptors left: {used:whole} of {limit:whole}",
    "no-inode-left": "disk full: {path} has no inode left",
    "no-process-left": (
        "the container may start no more processes: it has all {limit:whole} that it may"
    ),
    "last-words": "not known; the last words in its log: {words:100}",
    "not-running": Given(
        "words",
        Given("exit_code", _ENDED + _CODE + _WORDS, _ENDED + _WORDS),
        Given("exit_code", _ENDED + _CODE, _ENDED),
    ),
    "nothing-behind-proxy": (
        "nothing listens on it inside the container: Docker accepted the connection, then closed it"
    ),
    "nothing-listens": "nothing listens on {ports:all} inside the container",
    "nothing-listens-for": "nothing listens inside the container for {services:names}",
    "no-network": "the container is in no network, so nothing reaches it",
    "ports-not-published": Given(
        "others",
        "the container does not publish {ports:all}, only {others:names}",
        "the container publishes no port, and so not {ports:all}",
    ),
    "read-only": "read-only file system: nothing can be written to {path} any more",
    "open-files-full": Given(
        "used",
        Given("connections", Given("address", _CROWD + _ORIGIN, _CROWD), _FILES),
        Given("address", _LIKELY_FILES + _ORIGIN, _LIKELY_FILES),
    ),
    "out-of-memory": Given(
        "kills",
        Given(
            "limit_bytes",
            Plural("kills", _ONE_KILLED + _LIMIT, _SOME_KILLED + _LIMIT),
            Plural("kills", _ONE_KILLED, _SOME_KILLED),
        ),
        Given("limit_bytes", _KILLED + _LIMIT, _KILLED),
    ),
    "packets-filtered": (
        "a packet filter lets nothing from this host through to it, though it listens inside the "
        "container"
    ),
    "paused": "the container is paused",
    "slow-dns": "slow DNS: finding the address of {service} took {took_s:tenths} s",
    "stalled": Given(
        "disks",
        "the disks are overloaded: all work on the host stood still for {percent:whole} % of 10 s",
        "memory is short: all work on the host stood still for {percent:whole} % of 10 s",
    ),
    "stopped-processes": "stopped processes (SIGSTOP): {marked} of {count} ({names:names})",
    "stuck-processes": (
        "stuck processes in D state, waiting for a disk or the network: {marked} of {count} "
        "({names:names})"
    ),
    "stuck-threads": (
        "stuck threads in D state, waiting for a disk or the network: {marked:whole} of "
        "{count:whole} ({names:names})"
    ),
    "syn-flood": "SYN flood: the kernel answers new connections with SYN cookies",
    "tls-times-out": "TLS handshakes time out while TCP connects: {services:names}",
    # what the server's own log says
    "ban-by-server": "ban: {server} has banned {address} (this host, as it sees it)",
    "server-backend-fails": "{server} gets errors from {backend}",
    "server-bootstrap": (
        "{server} has found no configuration and waits to be set up: only port 8080 listens"
    ),
    "server-certificate-unusable": Given(
        "path",
        "{server} cannot use its certificate {path:80}",
        "{server} cannot use its certificate",
    ),
    "server-config-damaged": Given(
        "words",
        "{server} cannot use its configuration: {words:100}",
        Given(
            "path",
            "{server} cannot use its configuration {path:80}",
            "{server} cannot use its configuration",
        ),
    ),
    "server-crashed": Given(
        "part", "{server} crashed: its part {part:40}", "{server} crashed: a bug of its own"
    ),
    "server-limits-us": Given(
        "limit",
        "{server} allows {address} (this host, as it sees it), no more than {limit} connections",
        "{server} limits how often {address} (this host, as it sees it), may connect",
    ),
    "server-listener-full": Given(
        "limit",
        "{server} has no connection left for {listener:40}: its limit is {limit}",
        "{server} has no connection left for {listener:40}",
    ),
    "server-mailbox-damaged": "{server} finds a mailbox damaged: {path:100}",
    "server-no-files": "{server} has no file descriptor left (too many open files)",
    "server-no-memory": "{server} gets no more memory",
    "server-no-permission": Given(
        "path", "{server} may not open {path:100}", "{server} may not open one of its files"
    ),
    "server-no-process": "{server} cannot start any more processes",
    "server-part-ended": Given(
        "exit_code",
        "{part:40} has ended with exit code {exit_code}",
        "{part:40} has ended by signal {signal}",
    ),
    "server-part-failed": "{part:40} does not stay up, and the supervisor has given it up",
    "server-part-silent": "{server} gets no answer from {part:60}",
    "server-port-taken": Given(
        "listener",
        "{server} cannot listen on {listener:60}, which is in use",
        "{server} cannot listen on an address that is in use",
    ),
    "server-process-limit": Given(
        "limit",
        "{server} may start no more processes of {listener:40}: its limit is {limit}",
        "{server} may start no more processes of {listener:40}",
    ),
    "server-recovery-mode": "{server} was started in recovery mode: only port 8080 listens",
    "server-signatures-unusable": Given(
        "path",
        "{server} cannot load its signatures: {path:80}",
        "{server} cannot load its signatures",
    ),
    "server-store-corrupt": Given(
        "path", "{server}'s store is damaged: {path:80}", "{server}'s store is damaged"
    ),
    "server-store-full": Given(
        "path",
        "{server} has no space left on its disk for {path:80}",
        "{server} has no space left on its disk",
    ),
    "server-store-locked": "{server}'s store is locked by another process",
    "server-store-missing": Given(
        "path", "{server} cannot open its store {path:80}", "{server} cannot open its store"
    ),
    "server-store-read-only": "{server}'s store lies on a read-only file system",
    "server-told-to-stop": "{server} was told to stop by signal {signal}",
}
