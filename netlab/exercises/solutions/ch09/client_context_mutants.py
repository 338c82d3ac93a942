"""Faulty variants of `client_context`, each with the probe that catches it."""

from __future__ import annotations

import ssl
import warnings

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME


def _context(ca_pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def context_from_bytes(ca_pem: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca_pem.encode())  # taken for DER


def context_for_servers(ca_pem: str) -> ssl.SSLContext:
    """The purpose names whom one checks, and not who one is."""
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=ca_pem)


def context_of_the_machine(ca_pem: str) -> ssl.SSLContext:
    return ssl.create_default_context()


def context_for_the_newest_only(ca_pem: str) -> ssl.SSLContext:
    context = _context(ca_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def context_without_the_error(ca_pem: str) -> ssl.SSLContext:
    context = _context(ca_pem)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def context_with_one_more(ca_pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=ca_pem)
    return context


def context_by_hand(ca_pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # "it is called localhost here anyway"
    context.load_verify_locations(cadata=ca_pem)
    return context


def context_out_of_time(ca_pem: str) -> ssl.SSLContext:
    context = _context(ca_pem)
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | NO_CHECK_TIME)
    return context


def context_for_everybody(ca_pem: str) -> ssl.SSLContext:
    context = _context(ca_pem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1  # "so that old servers work, too"
    return context


MUTANTS = (
    (context_from_bytes, "a server to believe"),
    (context_for_servers, "a server to believe"),
    (context_of_the_machine, "a server to believe"),
    (context_for_the_newest_only, "a server to believe"),
    (context_without_the_error, "another authority"),
    (context_with_one_more, "an authority that the machine trusts"),
    (context_by_hand, "another host"),
    (context_out_of_time, "out of date"),
    (context_for_everybody, "TLS 1.1"),
)
