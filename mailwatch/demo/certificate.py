"""A certificate for one run, made by the openssl command and kept in memory alone."""

from __future__ import annotations

import os
import ssl
import subprocess

_COMMAND = """openssl req -x509 -config /dev/stdin -subj /CN=localhost -days 1 -keyout - -out -
    -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"""

_CONFIG = b"[req]\ndistinguished_name = none\n[none]\n"
"""In place of the system's openssl.cnf, which may be missing or ask questions."""


def make_certificate() -> int | None:
    """Return a descriptor of key and certificate in PEM, None where openssl makes none.

    The file has no name: it is gone with the last process that holds it, however that ends.
    """
    command = _COMMAND.split()
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENSSL_")}
    made = os.memfd_create("mailwatch-demo-certificate")
    try:
        pem = subprocess.run(  # noqa: S603  # every word is ours; it takes about 20 ms
            command, input=_CONFIG, capture_output=True, env=env, timeout=10, check=True
        ).stdout
        os.write(made, pem)
        # To try it here is to know that the server can use it too.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(f"/proc/self/fd/{made}")
    except (OSError, subprocess.SubprocessError):
        os.close(made)
        return None
    return made
