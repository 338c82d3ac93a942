"""TLS contexts with secure defaults, and what went wrong in words.

    TCPServer(ssl=server_context("chat.pem", "chat.key"))
    TCPClient(address, ssl=client_context("ca.pem"))

A client checks the chain of certificates and the host name (RFC 8446; RFC 9525), as is Python's
default. Two things differ from one Python to the next, so they are said: nothing older than TLS 1.2
(RFC 8996), and an end without close_notify is no orderly end (RFC 8446, 6.1).
"""

from __future__ import annotations

import ssl
from pathlib import Path

HANDSHAKE_S = 10.0
"""seconds that a client may take from connecting to the end of its handshake"""


def server_context(
    cert: str | Path, key: str | Path | None = None, client_ca: str | Path | None = None
) -> ssl.SSLContext:
    """Return what a server needs to show who it is.

    Args:
        cert: PEM file with the certificate, and those between it and the authority behind it.
        key: PEM file with the private key; None: it stands in `cert`, too.
        client_ca: PEM file of the authority that clients' certificates must come from (mutual TLS);
            None: clients need none.

    Raises:
        ValueError: a file is not there, or is not what it should be; the text says which.
    """
    context = _strict(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    _load_chain(context, cert, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authority(context, client_ca)
    return context


def client_context(
    ca: str | Path | None = None, cert: str | Path | None = None, key: str | Path | None = None
) -> ssl.SSLContext:
    """Return what a client needs to know whom to trust.

    Args:
        ca: PEM file of the only authority to trust; None: those that this system trusts.
        cert, key: certificate and private key of the client, for servers that want one.

    Raises:
        ValueError: a file is not there, or is not what it should be; the text says which.
    """
    if ca is None:
        context = _strict(ssl.create_default_context())
    else:
        # Not the system's authorities besides: that would believe more than was asked for.
        context = _strict(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        _load_authority(context, ca)
    if cert is not None:
        _load_chain(context, cert, key)
    return context


def explain(error: ssl.SSLError, host: str = "") -> str:
    """Return a sentence about a handshake that failed, with the remedy where there is one."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message = error.verify_message
        if error.verify_code in _UNKNOWN_AUTHORITY:
            return (
                f"its certificate is of an authority that is not trusted here ({message}): if you "
                "know it, name its file with --ca"
            )
        if error.verify_code in _OTHER_HOST:
            return f"its certificate is not for {host} ({message}): use the name that it is for"
        if error.verify_code in _OUT_OF_TIME:
            return f"{message}: its owner has to renew it (or this machine's clock is wrong)"
        return f"its certificate is not accepted: {message}"
    reason = error.reason or "the other side ended it"
    if reason in _NO_TLS:
        return f"the other side does not speak TLS ({reason})"
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "the other side showed no certificate, and one is wanted"
    if reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED":
        return f"the other side wants a certificate ({reason}): name yours with --tls-cert"
    if "ALERT" in reason:
        return f"the other side refused it ({reason})"
    return f"the TLS handshake failed ({reason})"


# OpenSSL's x509_vfy.h: X509_V_ERR_…
_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}  # no issuer found; self-signed, alone or in the chain
_OTHER_HOST = {62, 64}  # another name, another IP address
_OUT_OF_TIME = {9, 10}  # not yet, no longer
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}


def _strict(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some builds leave it to OpenSSL's file
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # set by Python before 3.11.4
    return context


def _load_chain(context: ssl.SSLContext, cert: str | Path, key: str | Path | None) -> None:
    for path in (cert, key):
        if path is not None:
            _check_readable(path)
    try:
        # Without `password`, OpenSSL would ask for it at the terminal, and wait.
        context.load_cert_chain(cert, key, password=lambda: _refuse_encrypted(key or cert))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"the key in {key or cert} is not that of {cert}") from None
        where = cert if key is None else f"{cert} and {key}"
        raise ValueError(
            f"{where}: no certificate with its private key in PEM "
            f"({error.reason or 'not readable'})"
        ) from None


def _refuse_encrypted(key: str | Path) -> str:
    raise ValueError(
        f"the key in {key} is encrypted: decrypt it (openssl pkey -in OLD -out NEW) for your "
        "eyes only"
    )


def _load_authority(context: ssl.SSLContext, ca: str | Path) -> None:
    _check_readable(ca)
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError as error:
        raise ValueError(
            f"{ca}: no certificate in PEM ({error.reason or 'not readable'})"
        ) from None


def _check_readable(path: str | Path) -> None:
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
