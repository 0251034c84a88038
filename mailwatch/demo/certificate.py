"""A certificate for one run, made by the openssl command and kept in memory alone."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess

_LIMIT_S = 10
"""An elliptic key takes openssl about 20 ms."""

_REQUEST = b"[req]\ndistinguished_name = none\n[none]\n"
"""In place of the system's openssl.cnf, which may be missing or ask questions."""


class NoCertificate(Exception):
    """No certificate could be made; `str()` is the reason, half a sentence."""


def make_certificate() -> int:
    """Return a descriptor of key and certificate in PEM; raises NoCertificate.

    The file has no name: it is gone with the last process that holds it, however that ends.
    """
    pem = _ask_openssl()
    try:
        descriptor = os.memfd_create("mailwatch-demo-certificate")
    except (AttributeError, OSError):
        raise NoCertificate("this system has no files in memory") from None
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(pem)
        # To try it here is to know that the server can use it too.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(f"/proc/self/fd/{descriptor}")
    except OSError:
        os.close(descriptor)
        raise NoCertificate("what openssl made is no certificate") from None
    return descriptor


def _ask_openssl() -> bytes:
    openssl = shutil.which("openssl")
    if openssl is None:
        raise NoCertificate("there is no openssl command")
    command = [openssl, "req", "-x509", "-config", "/dev/stdin", "-subj", "/CN=localhost"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "1", "-keyout", "-", "-out", "-"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENSSL_")}
    try:
        made = subprocess.run(  # noqa: S603  # every word is ours
            command,
            input=_REQUEST,
            capture_output=True,
            timeout=_LIMIT_S,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise NoCertificate("the openssl command does not work") from None
    if made.returncode:
        raise NoCertificate("the openssl command made none")
    return made.stdout
