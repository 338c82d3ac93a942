"""What the parts of a fault proxy share: where to note, whom to tell, what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netlab.lab.polling import Poller
from netlab.lab.recording import Direction, Recording


@dataclass(frozen=True)
class Parts:
    """Passed to whatever carries bytes; all of it is used in the proxy's thread alone."""

    poller: Poller
    clock: Callable[[], float]
    received: Recording
    """what came to the proxy"""
    passed_on: Recording
    """what it made of it"""
    tell: Callable[[str, Direction, str, str], None]
    """called with connection, direction, place and what was done there"""
    admitted: Callable[[str, Any], None]
    """called with the key of a new connection and the client's address"""
    faults_for: Callable[[Direction, int], Any]
    """returns the faults of one direction of the connection with that number"""
    seed: object
    patience_s: float
    """seconds that a piece waits for the one before to be read"""
