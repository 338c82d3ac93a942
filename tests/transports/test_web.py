"""Who may connect from a browser, and the files of the page."""

from __future__ import annotations

import ipaddress
import re
from importlib import resources
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netlab.transports.web import (
    DEFAULT_PORTS,
    Door,
    allowed_host,
    allowed_origin,
    answer,
    page,
    parse_host,
    parse_origin,
)

names = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True)
addresses = st.ip_addresses()
ports = st.integers(1, 65_535)
schemes = st.sampled_from(["http", "https"])


def written(host: Any, port: int | None = None) -> str:
    text = f"[{host}]" if isinstance(host, ipaddress.IPv6Address) else str(host)
    return text if port is None else f"{text}:{port}"


# ---------------------------------------------------------------- parsing


@settings(deadline=None)
@given(st.one_of(names, addresses), st.one_of(st.none(), ports))
def test_a_host_is_read_as_it_was_written(host: Any, port: int | None) -> None:
    assert parse_host(written(host, port)) == (str(host), port)
    assert parse_host(written(host, port).upper()) == (str(host), port)


@settings(deadline=None)
@given(schemes, st.one_of(names, addresses), st.one_of(st.none(), ports))
def test_an_origin_has_always_a_port(scheme: str, host: Any, port: int | None) -> None:
    expected = (scheme, str(host), port or DEFAULT_PORTS[scheme])
    assert parse_origin(f"{scheme}://{written(host, port)}") == expected


@settings(deadline=None)
@given(st.text(), st.text(), st.lists(st.text()))
@example("[::1", "http://[::1", [])
@example("[v1.x]:80", "http://[v1.x]:80", [])
@example("localhost:٣", "http://localhost:٣", [])
def test_nothing_makes_the_parsers_fail(host: str, origin: str, origins: list[str]) -> None:
    parse_host(host)
    parse_origin(origin)
    allowed_host(host, hosts=[], behind_proxy=False)
    allowed_origin(origin, host, origins=origins)


@pytest.mark.parametrize(
    "text",
    "|a b|a:|a:0|a:65536|a:-1|a:+1|a:1_0|a:٣|a/b|user@a|a:80:80|::1|[::1|[::1]80|[127.0.0.1]|"
    "[fe80::1%eth0]|[]|.a|a.|-a|a,b|a\t|a\n|ä".split("|"),
)
def test_what_is_no_host(text: str) -> None:
    assert parse_host(text) is None
    assert parse_origin(f"http://{text}") is None


@pytest.mark.parametrize(
    "text",
    "null|NULL|*||a|//a|file://|file://a|ftp://a|http:a|http:/a|http://a/|http://a/b|http://a?b|"
    "http://a#b|http://a b|chrome-extension://abc".split("|"),
)
def test_what_is_no_origin(text: str) -> None:
    assert parse_origin(text) is None
    assert not allowed_origin(text, "a", origins=[])


# ---------------------------------------------------------------- hosts


@settings(deadline=None)
@given(st.one_of(st.none(), ports), addresses)
def test_loopback_names_and_addresses_are_always_known(port: int | None, address: Any) -> None:
    for host in ("localhost", "LocalHost", "chat.localhost", written(address)):
        assert allowed_host(
            host if port is None else f"{host}:{port}", hosts=(), behind_proxy=False
        )


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "1"],
)
def test_other_names_are_not(host: str) -> None:
    """DNS rebinding: the page's own name, with the address of this server."""
    for port in ("", ":80", ":8765"):
        assert not allowed_host(host + port, hosts=[], behind_proxy=False)
        assert allowed_host(host + port, hosts=[host], behind_proxy=False)
        assert allowed_host(host + port, hosts=[], behind_proxy=True)


@pytest.mark.parametrize("host", [None, "", "a b", "[::1", "localhost:x"])
def test_no_host_is_never_known(host: str | None) -> None:
    for behind_proxy in (False, True):
        assert not allowed_host(host, hosts=["a"], behind_proxy=behind_proxy)


# ---------------------------------------------------------------- origins


def test_no_origin_is_no_page() -> None:
    assert allowed_origin(None, "anything", origins=())


@settings(deadline=None)
@given(schemes, st.one_of(names, addresses), st.one_of(st.none(), ports))
def test_a_page_may_talk_to_its_own_server(scheme: str, host: Any, port: int | None) -> None:
    where = written(host, port)
    assert allowed_origin(f"{scheme}://{where}", where, origins=())


@settings(deadline=None)
@given(schemes, names)
def test_default_ports_may_be_left_out(scheme: str, name: str) -> None:
    port = DEFAULT_PORTS[scheme]
    assert allowed_origin(f"{scheme}://{name}", f"{name}:{port}", origins=())
    assert allowed_origin(f"{scheme}://{name}:{port}", name, origins=())
    assert allowed_origin(
        f"{scheme}://{name}:{port}", "elsewhere", origins=[f"{scheme}://{name.upper()}"]
    )


@settings(deadline=None)
@given(schemes, names, names, ports, ports)
def test_a_page_of_another_host_or_port_may_not(
    scheme: str, host: str, other: str, port: int, other_port: int
) -> None:
    expected = (host, port) == (other, other_port)
    origin = f"{scheme}://{host}:{port}"
    assert allowed_origin(origin, f"{other}:{other_port}", origins=()) == expected
    assert allowed_origin(origin, f"{other}:{other_port}", origins=[origin])


def test_the_scheme_of_a_named_origin_counts() -> None:
    assert not allowed_origin("http://a.example", "here", origins=["https://a.example"])
    assert not allowed_origin("https://a.example", "a.example:80", origins=[])


# ---------------------------------------------------------------- both together


def test_empty_never_means_off() -> None:
    """Fault 57: every page could connect (python-socketio: an empty list switches it off)."""
    for empty in ((), []):
        door = Door(origins=empty, hosts=empty, behind_proxy=False)
        assert "http://evil.example" in str(door.refusal(["127.0.0.1:80"], ["http://evil.example"]))
        assert "evil.example" in str(door.refusal(["evil.example"], []))
        assert door.refusal(["127.0.0.1:80"], []) is None


def test_headers_given_twice_are_refused() -> None:
    door = Door(behind_proxy=False)
    assert door.refusal(["localhost", "localhost"], []) is not None
    assert door.refusal(["localhost"], ["http://localhost", "http://localhost"]) is not None
    assert door.refusal([], []) is not None


def test_a_refusal_says_what_came_and_what_to_do_in_one_line() -> None:
    door = Door(behind_proxy=False)
    sentence = str(door.refusal(["localhost:1"], ["http://a\n\x1b[31m" + "b" * 1000]))
    assert sentence.startswith(r"Pages of 'http://a\n\x1b[31mbb")
    assert "localhost:1" in sentence
    assert "origins=" in sentence
    assert sentence.isprintable()
    assert len(sentence) < 400


def test_behind_jupyterhub_every_host_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    assert Door().refusal(["hub.example"], ["https://hub.example"]) is not None
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
    assert Door().refusal(["hub.example"], ["https://hub.example"]) is None
    assert Door().refusal(["hub.example"], ["https://evil.example"]) is not None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"origins": ["*"]}, "no wildcard"),
        ({"origins": ["null"]}, "is no origin"),
        ({"origins": ["example.org"]}, "is no origin"),
        ({"origins": ["https://example.org/"]}, "is no origin"),
        ({"origins": "https://example.org"}, r"pass a list, \['https://example.org'\]"),
        ({"hosts": ["*"]}, "is no host"),
        ({"hosts": ["example.org:80"]}, "without scheme and port"),
        ({"hosts": "example.org"}, "pass a list"),
    ],
)
def test_a_mistake_is_told_when_the_server_is_made(arguments: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Door(**arguments)


# ---------------------------------------------------------------- the page


def test_the_page_and_its_files() -> None:
    index = page("/")
    assert index is not None
    assert index.status == 200
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    assert index == page("/index.html") == page("/?query")
    html = index.body.decode()
    named = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert named
    for name in named:
        assert re.fullmatch(r"[a-z_]+\.[a-z]+", name), "relative, so that it works below a prefix"
        file = page(f"/{name}")
        assert file is not None
        assert int(file.headers["Content-Length"]) == len(file.body) > 0


def test_link_js_is_the_link_of_the_servers_transport() -> None:
    link = page("/link.js", transport="websocket")
    assert link is not None
    assert link == page("/websocket_link.js")
    assert link.headers["Content-Type"] == "text/javascript; charset=utf-8"


@settings(deadline=None)
@given(st.text())
@example("/../web.py")
@example("/..%2fweb.py")
@example("//etc/passwd")
@example("/pages/index.html")
@example("/.")
@example("/")
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    folder = resources.files("netlab.transports") / "pages"
    found = page(path)
    assert found is None or found.body in [file.read_bytes() for file in folder.iterdir()]


def test_no_inline_script_runs_anywhere() -> None:
    for found in (page("/"), page("/link.js"), answer(404, "no")):
        assert found is not None
        policy = found.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert found.headers["X-Content-Type-Options"] == "nosniff"
    index = page("/")
    assert index is not None
    html = index.body.decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", html)


def test_other_sources_of_scripts_are_named_one_by_one() -> None:
    found = page("/", script_sources=["https://scripts.example"])
    assert found is not None
    policy = found.headers["Content-Security-Policy"]
    assert "script-src 'self' https://scripts.example;" in policy
