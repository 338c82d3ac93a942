"""Cookies for UDP: they show that an address is really where a datagram came from.

The source address of a datagram is only what its sender wrote there. Who can send a cookie back
has read what was sent to that address, so it is there (the idea: RFC 9000, 8.1; RFC 6347, 4.2.1).
The server keeps nothing until then: the cookie is computed again and compared.
"""

from __future__ import annotations

import hmac
from hashlib import blake2b
from typing import Any

SLOT_S = 60
"""seconds in which an address gets the same cookie; it is good for one to two times as long"""


class Cookies:
    """Makes and checks cookies.

    Args:
        secret: whoever knows it can make cookies for addresses that are not theirs.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, person=b"netlab cookie").digest()

    def make(self, address: Any, now: float) -> str:
        """Return the cookie for an address, as `recvfrom` returned it, at `now` (epoch seconds)."""
        return self._of(address, int(now) // SLOT_S)

    def check(self, cookie: str, address: Any, now: float) -> bool:
        """Tell whether the cookie was made for that address not long ago."""
        slot = int(now) // SLOT_S
        came = cookie.encode(errors="replace")  # compare_digest takes no text beyond ASCII
        # In constant time: how long a comparison takes must not tell how much was right.
        is_new = hmac.compare_digest(came, self._of(address, slot).encode())
        is_old = hmac.compare_digest(came, self._of(address, slot - 1).encode())
        return is_new or is_old

    def _of(self, address: Any, slot: int) -> str:
        return blake2b(repr((address, slot)).encode(), key=self._key, digest_size=16).hexdigest()
