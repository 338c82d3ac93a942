"""Which service is meant: by name, by class or as it stands."""

from __future__ import annotations

import secrets
from typing import Literal

from netlab.core.chat import ChatService
from netlab.core.echo import EchoService
from netlab.core.errors import LocalProtocolError
from netlab.core.json_codec import Codec
from netlab.core.service import Limits, Service

ServiceName = Literal["chat", "echo"]
SERVICES: dict[str, type[Service]] = {"chat": ChatService, "echo": EchoService}


def make_service(
    service: Service | type[Service], limits: Limits | None, secret: bytes | None
) -> Service:
    """Return the service itself, or one made of the class with `limits` and `secret`.

    Raises:
        LocalProtocolError: limits or a secret for a service that has its own already.
    """
    if isinstance(service, type):
        return service(limits=limits, secret=secret or secrets.token_bytes(32))
    if limits is not None or secret is not None:
        raise LocalProtocolError(
            f"this {type(service).__name__} brings its own limits and secret: give them to it, "
            f"or pass the class, {type(service).__name__}, instead"
        )
    return service


def codec_of(service: ServiceName) -> Codec:
    """Return how the service of that name writes its messages.

    Raises:
        LocalProtocolError: no service has that name.
    """
    if service not in SERVICES:
        raise LocalProtocolError(f"no service is called {service!r}; there are: {list(SERVICES)}")
    return SERVICES[service].codec
