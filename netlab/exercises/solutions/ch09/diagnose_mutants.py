"""Faulty variants of `diagnose`, each with the probe that catches it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

Address = tuple[str, int]
HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError)


def _context(ca_pem: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca_pem)


def _about(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in (62, 64):
        return "wrong host"
    return "not valid now" if error.verify_code in (9, 10) else "unknown authority"


def _diagnosis(
    context: ssl.SSLContext,
    address: Address,
    hostname: str,
    timeout_s: float | None,
    *,
    about: Callable[[ssl.SSLCertVerificationError], str] = _about,
    hung_up: tuple[type[OSError], ...] = HUNG_UP,
) -> str:
    try:
        with (
            socket.create_connection(address, timeout_s) as sock,
            context.wrap_socket(sock, server_hostname=hostname),
        ):
            return "ok"
    except ssl.SSLCertVerificationError as error:
        return about(error)
    except hung_up:
        return "hung up"
    except ssl.SSLError:
        return "not TLS"
    except ConnectionRefusedError:
        return "nobody"
    except TimeoutError:
        return "silence"


def diagnose_by_address(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Seeks the host to which it connects, and not the one that it was told."""
    return _diagnosis(_context(ca_pem), address, address[0], timeout_s)


def diagnose_by_name_only(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    return _diagnosis(_context(ca_pem), address, "localhost", timeout_s)


def diagnose_all_alike(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Every error is an OSError."""
    found = _diagnosis(_context(ca_pem), address, hostname, timeout_s)
    return found if found == "ok" else "nobody"


def diagnose_without_end(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    return _diagnosis(_context(ca_pem), address, hostname, None)


def diagnose_end_as_no_tls(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    hung_up = (ConnectionResetError,)
    return _diagnosis(_context(ca_pem), address, hostname, timeout_s, hung_up=hung_up)


def diagnose_fin_only(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    return _diagnosis(_context(ca_pem), address, hostname, timeout_s, hung_up=HUNG_UP[:2])


def diagnose_by_reason(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Knows one of OpenSSL's names for what is not TLS."""
    context = _context(ca_pem)
    try:
        with (
            socket.create_connection(address, timeout_s) as sock,
            context.wrap_socket(sock, server_hostname=hostname),
        ):
            return "ok"
    except ssl.SSLCertVerificationError as error:
        return _about(error)
    except HUNG_UP:
        return "hung up"
    except ssl.SSLError as error:
        return "not TLS" if error.reason == "WRONG_VERSION_NUMBER" else "silence"
    except ConnectionRefusedError:
        return "nobody"
    except TimeoutError:
        return "silence"


def diagnose_nothing(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Whatever certificate it is."""
    context = _context(ca_pem)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _diagnosis(context, address, hostname, timeout_s)


def diagnose_only_strangers(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Knows one number for an authority that it does not know."""

    def about(error: ssl.SSLCertVerificationError) -> str:
        return "unknown authority" if error.verify_code == 20 else "wrong host"

    return _diagnosis(_context(ca_pem), address, hostname, timeout_s, about=about)


def diagnose_on_top(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Adds the authority to those whom the machine trusts."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=ca_pem)
    return _diagnosis(context, address, hostname, timeout_s)


def diagnose_any_host(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    context = _context(ca_pem)
    context.check_hostname = False
    return _diagnosis(context, address, hostname, timeout_s)


def diagnose_by_message(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Looks for a word that is not in the message when a number is sought."""

    def about(error: ssl.SSLCertVerificationError) -> str:
        return "wrong host" if "Hostname" in error.verify_message else "unknown authority"

    return _diagnosis(_context(ca_pem), address, hostname, timeout_s, about=about)


def diagnose_the_old_only(address: Address, hostname: str, ca_pem: str, timeout_s: float) -> str:
    """Does not think of certificates whose time has not come."""

    def about(error: ssl.SSLCertVerificationError) -> str:
        return "unknown authority" if error.verify_code == 9 else _about(error)

    return _diagnosis(_context(ca_pem), address, hostname, timeout_s, about=about)


MUTANTS = (
    (diagnose_by_address, "a server to believe"),
    (diagnose_by_name_only, "a name, where a number is sought"),
    (diagnose_all_alike, "a server that says nothing"),
    (diagnose_without_end, "a server that says nothing"),
    (diagnose_end_as_no_tls, "a server that hangs up"),
    (diagnose_fin_only, "a server that resets"),
    (diagnose_by_reason, "an echo"),
    (diagnose_nothing, "another authority"),
    (diagnose_only_strangers, "a certificate that its owner has signed"),
    (diagnose_on_top, "an authority that the machine trusts"),
    (diagnose_any_host, "another host"),
    (diagnose_by_message, "a name, where a number is sought"),
    (diagnose_the_old_only, "not valid yet"),
)
