"""Why a Gotify server did not take a message, and what to do about it."""

from __future__ import annotations

from mailwatch.core.sentences import Sentences

SENTENCES: Sentences = {
    "gotify-at": "Gotify at {where}",
    "gotify-untrusted": (
        "The certificate of Gotify at {where} is not trusted ({said}): correct {table} url if the "
        "name is wrong, renew the certificate if it is old, or add its CA to this host with "
        "update-ca-certificates."
    ),
    "gotify-no-tls": (
        "TLS with Gotify at {where} failed ({said}): check that this port speaks TLS, and begin "
        "{table} url with http:// if it does not."
    ),
    "gotify-silent": (
        "Gotify at {where} did not answer within {limit_s:duration}: check that it runs and that "
        "this host reaches it."
    ),
    "gotify-unresolved": (
        "Gotify at {where} could not be asked: {said}; the name stands in {table} url."
    ),
    "gotify-absent": "Nothing listens at {where}: start Gotify, or correct {table} url.",
    "gotify-broke-off": (
        "Gotify at {where} broke off its answer, or speaks no HTTP: check that {table} url names "
        "Gotify's port, and Gotify's own log."
    ),
    "gotify-unreachable": (
        "Gotify at {where} cannot be reached ({said}): check this host's network."
    ),
    "gotify-not-asked": "Gotify at {where} could not be asked: {why}.",
    "gotify-bad-url": (
        "{table} url is not the address of a web server ({where}): write it like "
        "https://gotify.example.org or http://192.0.2.1:8080/gotify."
    ),
    "gotify-bad-token": (
        "The Gotify token is empty or has characters that no token has: copy it anew from Gotify's "
        "Apps page into {table} token."
    ),
    "gotify-other": (
        "Something else than Gotify answered at {where} ({status}: {said}), as a reverse proxy "
        "does while Gotify is away: if this lasts, start Gotify, or check {table} url, above all "
        "its path and port."
    ),
    "gotify-other-asks": (
        "Something else than Gotify refused the message at {where} ({status}: {said}), a reverse "
        "proxy with a password of its own, say: have it let requests to /message through."
    ),
    "gotify-clients-token": (
        "Gotify at {where} knows the token as a client's, with which nothing can be sent: put the "
        "token of an application (Gotify's Apps page) into {table} token."
    ),
    "gotify-token-refused": (
        "Gotify at {where} refused the token ({status}): put the token of an application (Gotify's "
        "Apps page; a client's token cannot send) into {table} token."
    ),
    "gotify-redirects": (
        "{where} redirects to {said} ({status}), which is not followed so that no other host gets "
        "the token: if that is your Gotify, put its address into {table} url."
    ),
    "gotify-busy": (
        "Gotify at {where} cannot take messages now ({status}: {said}): if this lasts, read "
        "Gotify's own log."
    ),
    "gotify-refused": (
        "Gotify at {where} refused the message ({status}: {said}): check {table} url, above all "
        "its path."
    ),
    # what stands for {where} or {said} where there is nothing to quote
    "gotify-no-host": "it has no host that can be understood",
    "gotify-no-reason": "no reason given",
    "gotify-no-address": "an address it does not name",
    "gotify-answer-too-long": "its answer is longer than any of Gotify's",
    "gotify-answer-web-page": "it answers with a web page",
    "gotify-answer-empty": "it answers nothing",
}
