"""Probes of a relay between a client and a server upstream, chapter 08: both ends are ours."""

from __future__ import annotations

import socket

from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.upstream import Upstream
from netlab.exercises.words import Broken

LAST_WORDS = bytes(range(256)) * 200
"""51 KB, which the systems hold while nobody reads"""
FLOOD_BYTES = 64 * 1024 * 1024
"""more than all the systems' buffers on the way hold (tcp(7): tcp_rmem, tcp_wmem)"""
PIECE = bytes(65_536)


def both_ways(trial: Trial) -> None:
    """Say some things in both directions."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        for words in (b"half a li", b"ne\n", b"\x00\xff\n"):
            client.send(words)
            server.expect(words)
            server.send(words[::-1])
            client.expect(words[::-1])


def last_words(trial: Trial) -> None:
    """Send much, and end at once."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        for sender, receiver in ((client, server), (server, client)):
            sender.send(LAST_WORDS)
            sender.half_close()
            receiver.expect(LAST_WORDS)
            receiver.expect_end()


def client_ends(trial: Trial) -> None:
    """The client has finished; the server still answers."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        _ends(*upstream.pair())


def server_ends(trial: Trial) -> None:
    """The server has finished; the client still speaks."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        _ends(server, client)


def _ends(first: Talk, other: Talk) -> None:
    first.send(b"that is all")
    first.half_close()
    other.expect(b"that is all")
    other.expect_end()
    other.send(b"but this is my answer")
    first.expect(b"but this is my answer")
    other.half_close()
    first.expect_end()


def nobody_upstream(trial: Trial) -> None:
    """Nobody listens upstream; the next client finds somebody again."""
    where = trial.wait("listening")
    with Upstream(trial, where) as upstream:
        upstream.refuse()
        trial.note("nobody listens upstream")
        upstream.client("client").expect_end(reset_allowed=True)
    with Upstream(trial, where) as upstream:
        trial.note("somebody listens upstream again")
        client, server = upstream.pair("next client")
        client.send(b"hello")
        server.expect(b"hello")


def client_vanishes(trial: Trial) -> None:
    """The client resets; its server is told, and others are not disturbed."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        _vanishes(client, server)
        _still_relays(upstream)


def server_vanishes(trial: Trial) -> None:
    """The server resets; its client is told, and others are not disturbed."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        _vanishes(server, client)
        _still_relays(upstream)


def _vanishes(first: Talk, other: Talk) -> None:
    first.send(b"I am ")
    other.expect(b"I am ")
    first.reset()
    other.expect_end(reset_allowed=True)


def _still_relays(upstream: Upstream) -> None:
    client, server = upstream.pair("next client", "its server")
    client.send(b"still there?")
    server.expect(b"still there?")


def two_at_once(trial: Trial) -> None:
    """Two clients, each with a connection of its own upstream."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        ann, anns = upstream.pair("Ann", "Ann's server")
        ben, bens = upstream.pair("Ben", "Ben's server")
        for speaker, listener in ((ben, bens), (ann, anns), (bens, ben), (anns, ann)):
            speaker.send(speaker.name.encode())
            listener.expect(speaker.name.encode())


def slow_client(trial: Trial) -> None:
    """The server sends and sends, the client reads nothing: the server must be held up."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair("client that does not read", "its server")
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        trial.note("its server sends 64 MB as long as there is room")
        if server.fill(lambda: PIECE, FLOOD_BYTES) >= FLOOD_BYTES:
            raise Broken("the server to be held up", "all 64 MB were taken")
        _still_relays(upstream)
