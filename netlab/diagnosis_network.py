"""What `netlab doctor` looks at on the network: this machine's way to itself."""

from __future__ import annotations

import importlib.util
import os
import socket
import threading
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any

from netlab.diagnosis import FAILED, INSTALL, OK, WARNING, Finding

WAIT_S = 2.0
"""seconds that one step on the loopback interface may take"""


def check_loopback(family: socket.AddressFamily, host: str, *, needed: bool) -> Finding:
    """Can a server on the loopback address be reached: bind, connect, exchange a byte?"""
    name = "IPv6 loopback" if family == socket.AF_INET6 else "IPv4 loopback"
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.settimeout(WAIT_S)
            listener.bind((host, 0))
            listener.listen()
            with socket.create_connection(listener.getsockname()[:2], WAIT_S) as client:
                server, _ = listener.accept()
                with server:
                    server.settimeout(WAIT_S)
                    client.sendall(b"?")
                    server.sendall(server.recv(1))
                    echoed = client.recv(1)
    except OSError as error:
        # A socket's timeout has no strerror.
        reason = error.strerror or str(error)
        if needed:
            return Finding(
                name,
                FAILED,
                f"{host} cannot be used: {reason}; every chapter needs it",
                "let a firewall or a sandbox allow connections of this machine with itself "
                "(`ip address show lo` must list the address)",
            )
        return Finding(
            name,
            WARNING,
            f"{host} cannot be used: {reason}; the cells about IPv6 will differ",
            "switch IPv6 on if you can (Linux: `sysctl net.ipv6.conf.lo.disable_ipv6=0`; Docker: "
            "`--sysctl net.ipv6.conf.all.disable_ipv6=0`); the course goes on without it",
        )
    if echoed != b"?":
        return Finding(name, FAILED, f"a byte came back as {echoed!r}", "look for a proxy on lo")
    return Finding(name, OK, "a byte went out and came back", details=(f"address {host}",))


def check_localhost(
    resolve: Callable[..., list[Any]] = socket.getaddrinfo,
) -> Finding:
    """Is `localhost` this machine?"""
    advice = "write `127.0.0.1 localhost` and `::1 localhost` into the hosts file (/etc/hosts)"
    try:
        found = resolve("localhost", 80, type=socket.SOCK_STREAM)
    except OSError as error:
        return Finding(
            "localhost", FAILED, f"the name is not known: {error.strerror or error}", advice
        )
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    details = (f"addresses, in this order: {', '.join(addresses)}",)
    strange = [one for one in addresses if not (one.startswith("127.") or one == "::1")]
    if strange or not addresses:
        return Finding(
            "localhost",
            FAILED,
            f"the name means {', '.join(strange) or 'nothing'}, which is not this machine itself",
            advice,
            details,
        )
    return Finding("localhost", OK, "the name means this machine", details=details)


def check_browser(environ: Mapping[str, str] = os.environ, host: str = "127.0.0.1") -> Finding:
    """Can a page that this process serves be fetched, and how does a browser come to it?"""
    try:
        fetched = _fetch_own_page(host)
    except OSError as error:
        reason = getattr(error, "reason", error)
        return Finding(
            "browser",
            FAILED,
            f"a page served by this process cannot be fetched: {reason}",
            "let a firewall or a sandbox allow connections of this machine with itself",
        )
    details = [f"fetched {len(fetched)} bytes"]
    if "JUPYTERHUB_SERVICE_PREFIX" in environ:
        details.append(f"under {environ['JUPYTERHUB_SERVICE_PREFIX']}proxy/PORT/")
        if importlib.util.find_spec("jupyter_server_proxy") is None:
            return Finding(
                "browser",
                FAILED,
                "this is a JupyterHub, where pages of the course are reached through "
                "jupyter-server-proxy, and that is not installed",
                INSTALL,
                tuple(details),
            )
    proxies = urllib.request.getproxies()
    via = [scheme for scheme in ("http", "https", "all", "socks", "ws") if scheme in proxies]
    if via and not urllib.request.proxy_bypass(host):
        return Finding(
            "browser",
            WARNING,
            f"programs are told to reach even {host} through a proxy "
            f"({', '.join(f'{scheme}_proxy' for scheme in via)})",
            "set NO_PROXY=localhost,127.0.0.1,::1 before JupyterLab is started",
            tuple(details),
        )
    return Finding("browser", OK, "a page of this process can be fetched", details=tuple(details))


def _fetch_own_page(host: str) -> bytes:
    class Page(BaseHTTPRequestHandler):
        timeout = WAIT_S

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            pass

    # Not HTTPServer: it asks a name server for its own name.
    with TCPServer((host, 0), Page) as server:
        server.timeout = WAIT_S
        thread = threading.Thread(
            target=server.handle_request, name="netlab-doctor-page", daemon=True
        )
        thread.start()
        try:
            # Without the proxies that the environment may name: directly, as a browser here would.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(
                f"http://{host}:{server.server_address[1]}/", timeout=WAIT_S
            ) as answer:
                return bytes(answer.read())
        finally:
            thread.join()
