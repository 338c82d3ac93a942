"""TCP_INFO: parsed from any number of bytes, claimed, compared."""

from __future__ import annotations

import struct
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab import kernel
from netlab.lab.tcp_fields import ALL_FIELDS, FIELDS, parse_tcp_info
from tests.lab.held import connected, small_pair

# As <linux/tcp.h> lays struct tcp_info out.
OFFSETS = {
    "rto_us": 8, "unacked": 24, "last_data_sent_ms": 44, "pmtu_bytes": 60, "rtt_us": 68,
    "cwnd": 80, "total_retransmits": 100, "pacing_rate_bytes_per_s": 104, "bytes_acked": 120,
    "segments_sent": 136, "unsent_bytes": 144, "min_rtt_us": 148, "data_segments_sent": 156,
    "delivery_rate_bytes_per_s": 160, "busy_us": 168, "delivered": 192, "bytes_sent": 200,
    "send_window_bytes": 228,
}  # fmt: skip


def test_the_fields_are_where_the_kernel_has_them():
    assert {name: FIELDS[name].offset for name in OFFSETS} == OFFSETS
    for field in ALL_FIELDS:  # a C compiler would have left no hole
        assert field.offset % struct.calcsize("=" + field.code) == 0
    assert all(field.meaning for field in ALL_FIELDS)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_as_far_as_they_go(data):
    found = parse_tcp_info(data)
    assert list(found) == [name for name, field in FIELDS.items() if field.end <= len(data)]


@given(st.lists(st.integers(0, 255), min_size=len(ALL_FIELDS), max_size=len(ALL_FIELDS)))
def test_what_was_packed_is_read(values):
    data = b"".join(
        struct.pack("=" + field.code, value)
        for field, value in zip(ALL_FIELDS, values, strict=True)
    )
    found = parse_tcp_info(data)
    words = ("state", "congestion_state", "options", "window_scales")
    for field, value in zip(ALL_FIELDS, values, strict=True):
        if field.name in FIELDS and field.name not in words:
            assert found[field.name] == value


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_tells(host):
    with connected(host) as (client, server):
        before = kernel.tcp_info(client)
        client.sendall(bytes(5000))
        server.recv(5000)
        kernel.wait_acknowledged(client)
        info = kernel.tcp_info(client)
        assert info.state == "ESTABLISHED"
        assert info.congestion_state == "Open"
        assert info.rtt_us > 0
        assert info.rto_us >= info.rtt_us
        assert info.cwnd > 0
        assert info.mss_bytes > 500
        assert info.total_retransmits == info.retransmits == info.unacked == 0
        assert "SACK" in info.options
        assert kernel.tcp_info(server).bytes_received == 5000
        change = info.since(before)
        assert change.bytes_acked == 5000
        assert change.state == "ESTABLISHED"
        assert change.retransmits == 0
        shown = repr(change)
        assert "bytes_acked" in shown
        assert "+5,000" in shown
        assert "pmtu_bytes" not in shown  # it has not changed
        assert len(repr(info).splitlines()) == 2 + len(info._values)


def test_chosen_figures_and_claims_repeat():
    with small_pair() as (client, _server):
        info = kernel.tcp_info(client)
        assert repr(info.show("state", "retransmits")).splitlines()[2:] == [
            "state        ESTABLISHED  state of the connection (RFC 9293, 3.3.2)",
            "retransmits  0            how often in a row the oldest unacknowledged segment "
            "was sent again",
        ]
        claims = info.claims(
            "rtt_us > 0", "retransmits == 0", "rto_us >= rtt_us", "state == ESTABLISHED",
            "state != LISTEN", "cwnd < 1", "ssthresh >= 1_000", "pmtu_bytes <= 65_535",
        )  # fmt: skip
        holds = [True, True, True, True, True, False, True, True]
        assert [row[1] for row in claims.rows] == holds
        assert "rtt_us > 0" in claims._repr_mimebundle_()["text/html"].replace("&gt;", ">")


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("rtt > 0", r"no figure 'rtt'; did you mean rtt_us\?"),
        ("rtt_us", "cannot read the claim 'rtt_us'; write a figure, one of"),
        ("__import__('os') > 0", "cannot read the claim"),
        ("rtt_us > LISTEN", "compares a number with a word"),
        ("state > 5", "compares a number with a word; state is CLOSE"),
    ],
)
def test_a_claim_that_cannot_be_understood_says_why(claim, message):
    info = kernel.TcpInfo(struct.pack("=B", 7) + bytes(300))
    with pytest.raises(ValueError, match=message):
        info.claims(claim)


def test_an_older_kernel_does_not_tell_all():
    info = kernel.TcpInfo(struct.pack("=B", 1) + bytes(103))  # tcp_info of Linux 2.6
    assert info.state == "ESTABLISHED"
    assert info.total_retransmits == 0
    assert info.get("bytes_acked") is None
    with pytest.raises(kernel.NotAvailable, match="bytes_acked: not told by this kernel"):
        info.bytes_acked  # noqa: B018
    row = info.show("bytes_acked").rows[0]
    assert row[:2] == ("bytes_acked", "not told by this kernel")
    assert info.claims("bytes_acked > 0", "rtt_us < bytes_acked").rows == [
        ("bytes_acked > 0", "not told by this kernel"),
        ("rtt_us < bytes_acked", "not told by this kernel"),
    ]
    newer = kernel.TcpInfo(bytes(280))
    assert newer.since(info).state == "state 0"
    assert newer.since(info).show("bytes_acked").rows[0][1:4] == (
        "not told by this kernel", "0", "",
    )  # fmt: skip


def test_names_are_completed_and_misspelt_ones_explained():
    info = kernel.TcpInfo(bytes(280))
    assert {"rtt_us", "since", "claims"} <= set(dir(info))
    with pytest.raises(AttributeError, match=r"did you mean rttvar_us"):
        info.rttvar  # noqa: B018
    with pytest.raises(ValueError, match="it has: state, congestion_state"):
        info.get("zzz")
    assert not hasattr(info, "_repr_latex_")


def test_only_tcp_has_it():
    for family, kind in (("AF_INET", "SOCK_DGRAM"), ("AF_UNIX", "SOCK_STREAM")):
        import socket

        with (
            socket.socket(getattr(socket, family), getattr(socket, kind)) as sock,
            pytest.raises(ValueError, match=f"only TCP has TCP_INFO; this is {kind} of {family}"),
        ):
            kernel.tcp_info(sock)


def test_a_socket_like_of_asyncio_will_do():
    with connected() as (client, _):
        wrapped = types.SimpleNamespace(
            type=client.type, family=client.family, getsockopt=client.getsockopt
        )
        assert kernel.tcp_info(wrapped).state == "ESTABLISHED"
