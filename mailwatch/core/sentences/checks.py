"""What a check of a service found, in the words of `net` and `probes`.

`said` is the peer's own, `awaited` and `expected` are what should have come in its place: facts
themselves, of the first group.
"""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {
    # What is awaited
    "connection": "the connection",
    "tls-handshake": "the TLS handshake",
    "greeting": "the greeting",
    "answer-to": "the answer to {command}",
    "answer-to-login": "the answer to the login",
    "answer-to-user": "the answer to the user name",
    "answer-to-message": "the answer to the message",
    "rest-of": "the rest of {awaited}",
    "imap-greeting-words": "'* OK' or '* PREAUTH'",
    "sieve-capabilities": "the capabilities inside TLS",
    "http-status-line": "the status line",
    "http-header": "the header of the response",
    "http-field": "a header field",
    "http-body": "the body",
    "http-chunk": "a chunk of the body",
    "http-chunk-size": "the size of a chunk",
    "http-chunk-end": "the end of a chunk",
    # The connection
    "not-accepted": "{address} port {port} did not accept the connection in time",
    "port-refused": "nothing listens on {address} port {port}",
    "not-connected": "no connection to {address} port {port} ({why})",
    "no-socket": "no socket could be made ({why})",
    "connection-broke": "the connection broke ({why})",
    "peer-dropped": (
        "accepted the connection, then closed it before saying anything: "
        "often a ban or a connection limit, or a container in which nothing listens"
    ),
    "peer-silent": "accepted the connection, then said nothing: {awaited} never came",
    "peer-late": "{awaited} did not come in time",
    "peer-reset": "reset the connection while we waited for {awaited}",
    "peer-closed": "closed the connection while we waited for {awaited}",
    "peer-closed-within": "closed the connection in the middle of {awaited}",
    "peer-closed-after": "closed the connection in the middle of {awaited}: '{said}'",
    "peer-floods": "sent more than {limit_kib} KiB while we waited for {awaited}",
    # Answers
    "answer-refuses": "{awaited} was '{said}', not {wanted}",
    "imap-answer-refuses": "{awaited} was '{said}', not '{wanted}'",
    "answer-wrong": "{awaited} should be {wanted}, but was '{said}'",
    "answer-endless": "{awaited} is a line without end: '{said}'",
    "answer-of-many-lines": "{awaited} has more than {limit} lines",
    "answer-too-long": "{awaited} is longer than it may be",
    "answer-unasked": "sent '{said}' after {awaited}, without being asked",
    "answer-before-tls": "sent '{said}' after it agreed to TLS",
    "answered-otherwise": "answered '{said}' where {protocol} was expected",
    "sent-otherwise": "sent '{said}' where {expected} was expected",
    "not-offered": "{awaited} offers no {wanted}",
    "not-named": "{awaited} names no {wanted}",
    "login-not-offered": (
        "{awaited} offers neither {wanted} nor LOGIN; many servers offer it only inside TLS"
    ),
    "sieve-login-not-offered": (
        "the capabilities offer no SASL PLAIN; many servers offer it only inside TLS"
    ),
    "login-closed": (
        "{found}, though the server answers without a login: the account may lack the permission, "
        "or may not log in from this address"
    ),
    "login-unanswered": (
        "{found}, which is {limit_s:duration}, though the server answers without a login"
    ),
    "login-not-private": (
        "the login was not sent, as the connection has no TLS and leaves this host: "
        "set tls for this service"
    ),
    "password-not-wanted": "its password was not wanted",
    "password-out-of-reach": (
        "only the service can read credential {credential}, its password; {cure}"
    ),
    "smtp-postscreen": (
        "only the first line of its greeting came, as Postfix's postscreen does to a stranger: "
        "raise attempt_timeout_s above its postscreen_greet_wait (6 s), or put this host's address "
        "on its postscreen_access_list"
    ),
    "imap-unnamed": "the answer to CAPABILITY names neither IMAP4rev1 nor IMAP4rev2",
    "http-status": "answered '{said}', but only {statuses} shows life",
    "http-interim-endless": "sent interim responses (1xx) without end",
    "http-many-fields": "sent more than {limit} header fields",
    "http-unreadable": "sent '{field}: {said}', so its page cannot be read",
    "port-speaks-in-tls": (
        "this port speaks {spoken} inside TLS: write {lines:all} for this service, or correct its "
        "port"
    ),
    "port-speaks-plainly": (
        "this port speaks {spoken} without TLS: write {lines:all} for this service, or correct its "
        "port"
    ),
    "port-speaks-tls": (
        'this port speaks TLS from the first byte on: write tls = "implicit" for this service, or '
        "correct its port"
    ),
    "port-wants-no-proxy": (
        "this port greets without waiting for a PROXY header: remove proxy for this service"
    ),
    "only-listened": (
        "connected and only listened, as the server may ban this host for more (offences_per_day); "
        "`mailwatch status` says until when"
    ),
    "only-listened-since": (
        "connected and only listened, as the server may ban this host for more (offences_per_day); "
        "when it was last asked, {found}"
    ),
    "http-to-tls": (
        "plain HTTP was sent to a port of HTTPS, and '{said}' came back: set tls = \"implicit\" "
        "for this service"
    ),
    "http-field-missing": "there is no field {field}, which should match '{pattern}'",
    "http-field-differs": "the field {field} is '{said}', which does not match '{pattern}'",
    "http-body-differs": "nothing in the body matches '{pattern}'; it begins with '{said}'",
    # TLS
    "ca-file-unusable": "the CA file {path} cannot be used ({why}): check ca_file of this service",
    "ca-file-late": "{path} could not be read in time: look for trouble with its disk",
    "no-pem": "it holds no PEM certificate",
    "tls-name-unusable": "{name} cannot be asked for in TLS: check server_name of this service",
    "certificate-refused": "the certificate was refused: {why}",
    "certificate-expired": "the certificate was refused: {why}, {ended_s:duration} ago",
    "certificate-not-yet": (
        "the certificate was refused: {why}, and will not be for {begins_s:duration}"
    ),
    "authority-refused": (
        "the certificate was refused: {why}, {ended_s:duration} ago; that is not the server's own, "
        "but the one of '{authority}' in its chain"
    ),
    "certificate-not-pinned": (
        "the certificate is another one than was pinned: its SHA-256 is {sha256}"
    ),
    "tls-finite-field": (
        "asked for a finite-field key exchange, which takes mailwatch too long: let the "
        "server offer elliptic curves"
    ),
    "tls-name-wanted": (
        "refused a TLS handshake that asks for no name ({why}), as a server of several names does: "
        "set server_name of this service"
    ),
    "tls-refused-or-name-wanted": (
        "refused a TLS handshake that asks for no name ({why}): it is unwell, or serves several "
        "names and wants server_name of this service"
    ),
    "tls-name-unknown": (
        "has no certificate for {name} ({why}): correct server_name of this service"
    ),
    "tls-failed": "TLS failed while we waited for {awaited}: {why}",
    # Names
    "name-late": "the name {host} was not resolved in time: check this host's resolver",
    "name-without-address": "the name {host} has no address",
    "name-unresolved": (
        "the name {host} was not resolved ({why}): check the name and this host's resolver"
    ),
    "name-broke": "the name {host} was not resolved ({why})",
    "name-impossible": "{host} is not a valid host name: check it",
    "gaierror-unnamed": "no reason given",
    "dns-unresolved": "the {record} of {name} was not resolved ({why}): check this host's resolver",
    "dns-late": "no name server answered in time",
    "dns-error": "the name servers answered with an error",
    "dns-nowhere": "{domain} has neither an MX nor an address",
    "dns-no-mx": "{domain} has no MX record (implicit_mx allows that)",
    "dns-null-mx": "the MX of {domain} says that it takes no mail at all",
    "dns-lost-mx": "the MX of {domain} names {targets:all}, which has no address",
    "dns-astray": (
        "mail for {domain} goes to {targets:all}, whose address ({addresses}) no sender can reach"
    ),
    "dns-hosts-file": "{path} of this host answers in place of the DNS: take the name out of it",
    "dnspython-missing": "Python's dnspython is not installed: install python3-dnspython",
    # Programs
    "program-not-started": "{program} could not be started ({why}): check command of this service",
    "program-late": "{program} did not end in time: raise attempt_timeout_s, or see why it hangs",
    "program-ended": "{program} ended with {code}",
    "program-ended-saying": "{program} ended with {code}: {said}",
    "signal": "signal {name}",
    "queue-long": "more than {limit} messages wait in the mail queue (queue_limit)",
    "queue-unlisted": (
        "the mail queue could not be listed (exit code {code}: {said}): the service "
        "needs the group postdrop, or `command` another way to list it"
    ),
    "queue-nonsense": (
        "'{said}' is neither a mail queue in JSON nor the number of "
        "messages in it: have command print one of them, as `postqueue -j` does"
    ),
    # Canaries
    "canary-submitting": "the server has not said yet whether it takes the message",
    "canary-stuck": "still busy with the submission, which should have ended by now",
    "canary-mailbox-full": "the mailbox of {recipient} is full: {answer}",
    "canary-put-off": "{answer}; this is a failure once it lasts {enough_s:duration}",
    "canary-put-off-long": "put off for {lasts_s:duration} by now: {answer}",
    "canary-limited": (
        "{answer}: the server takes no more messages from this sender for now, so delivery is not "
        "measured; raise every_s"
    ),
    "canary-under-way": (
        "a message submitted {away_s:duration} ago has not arrived yet; it has {within_s:duration}"
    ),
    "canary-lost": (
        "a message that was submitted {away_s:duration} ago has not arrived in the INBOX of "
        "{recipient}: it may wait in the queue, or a filter may have taken it for spam"
    ),
    "canary-in-junk": (
        "the message lies in {folder} and not in the INBOX of {recipient}: "
        "a filter took it for spam"
    ),
    "canary-unseen": (
        "a message that was put into the INBOX of {recipient} by APPEND is not among the newest "
        "ones that UID FETCH shows: a canary would not be found either"
    ),
    "canary-late": (
        "the message arrived after {took_s:duration}, more than the {within_s:duration} it has"
    ),
    "canary-no-time": "no time was left for the mailbox",
    # Ourselves, and this host
    "check-bug": "a fault of mailwatch: {exception}",
    "check-busy": "still busy with an earlier check",
    "check-stuck": "still busy with an earlier check, which should have ended long ago",
    "check-late": "still busy with this check, which should have ended by now",
    "host-deaf": (
        "a fault of this host: no answer, and none from a listener of mailwatch's own on "
        "loopback ({why})"
    ),
    "host-was-deaf": (
        "a fault of this host: it has only just ended, and may have kept an answer from us"
    ),
    "clock-doubted": "no certificate can be judged: {why}; set it with `timedatectl set-ntp true`",
    "clock-before-written": "the clock of this host shows a time before mailwatch was written",
    "clock-went-ahead": (
        "the clock of this host has gone ahead by {by_s:duration}, and nothing shows that it is "
        "right now"
    ),
    "clock-went-back": (
        "the clock of this host has gone back by {by_s:duration}, and nothing shows that it is "
        "right now"
    ),
    "clock-long-unseen": (
        "by the clock of this host mailwatch did not run for {passed_s:duration}, and nothing "
        "shows that it is right"
    ),
    "clock-ahead-of-certificate": (
        "one ended long ago by the clock of this host, and nothing shows that it is right"
    ),
    "clock-behind-certificate": (
        "one begins later than the clock of this host shows, and nothing shows that it is right"
    ),
    "no-listener": "no listener could be made ({why})",
    "system-error": "{error}",
    "system-error-cured": "{error}: {cure}",
    "raise-limit-nofile": "raise LimitNOFILE of the mailwatch unit",
    "raise-file-max": "this host has too many files open; raise fs.file-max",
    "no-free-port": "this host has no address or no free port to connect from",
    "no-route": "this host has no route there",
    "rule-forbids": "a rule on this host forbids the connection",
    "firewall-forbids": "a firewall rule on this host forbids the connection",
    "no-network-buffers": "this host is out of network buffers",
    "no-memory": "this host is out of memory",
    "address-kind-unknown": "this host does not speak that kind of address",
}
