"""The fields of TCP_INFO: where each is in the kernel's struct, its unit, and what it says.

struct tcp_info of <linux/tcp.h>. The kernel only ever appends to it and returns as much as it has,
so an older kernel answers fewer bytes: what lies beyond them was not told.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

from netlab.lab.procnet import STATES

CONGESTION_STATES = ("Open", "Disorder", "CWR", "Recovery", "Loss")
OPTIONS = {  # TCPI_OPT_…, bits of the byte tcpi_options
    1: "timestamps",
    2: "SACK",
    4: "window scale",
    8: "ECN",
    16: "ECN seen",
    32: "data with the SYN",
    64: "timestamps in µs",
}


@dataclass(frozen=True)
class TcpField:
    """One field of struct tcp_info; its `name` carries the unit, but for counts and words."""

    name: str
    code: str
    """its type, for `struct`"""
    offset: int
    meaning: str

    @property
    def end(self) -> int:
        return self.offset + struct.calcsize("=" + self.code)


# Name, type, meaning, in the order of the struct; a name that begins with "." is not shown.
_LAYOUT = """
state B state of the connection (RFC 9293, 3.3.2)
congestion_state B Open: all is well; Recovery, Loss: segments were lost (RFC 5681)
retransmits B how often in a row the oldest unacknowledged segment was sent again
probes B unanswered probes of a closed window
backoff B how often the retransmission timer was doubled since the last answer (RFC 6298, 5.5)
options B what both sides agreed on when they connected
window_scales B powers of two by which windows are multiplied: sending, receiving (RFC 7323)
.flags B tcpi_delivery_rate_app_limited, tcpi_fastopen_client_fail
rto_us I retransmission timeout: how long to wait for an acknowledgement (RFC 6298)
ato_us I how long an acknowledgement may be delayed
mss_bytes I largest segment that is sent
received_mss_bytes I largest segment that comes, a guess
unacked I segments sent and not acknowledged
sacked I segments that arrived behind a gap (RFC 2018)
lost I segments thought to be lost
retransmitted I segments sent again and not acknowledged yet
.fackets I no longer used
last_data_sent_ms I since data was sent last
.last_ack_sent I not remembered, says the kernel's source
last_data_received_ms I since data came last
last_ack_received_ms I since an acknowledgement came last
pmtu_bytes I largest packet that fits through the whole path (RFC 1191)
receive_ssthresh_bytes I how far the receive window may grow just now
rtt_us I round-trip time, smoothed (RFC 6298)
rttvar_us I how much the round-trip time varies (RFC 6298)
ssthresh I segments: up to here the congestion window grows fast (RFC 5681)
cwnd I congestion window: segments that may be on their way at once (RFC 5681)
advmss_bytes I largest segment that we said we take
reordering I how far out of order segments may come before one is thought lost
receive_rtt_us I round-trip time, as the receiver guesses it
receive_space_bytes I what the program reads within a round trip; the buffer grows with it
total_retransmits I segments sent again, in all
pacing_rate_bytes_per_s Q how fast the kernel lets segments go
max_pacing_rate_bytes_per_s Q limit of that, SO_MAX_PACING_RATE
bytes_acked Q bytes acknowledged by the other side; SYN and FIN count as one each
bytes_received Q bytes received in order; a FIN counts as one
segments_sent I segments sent, acknowledgements included
segments_received I segments received, acknowledgements included
unsent_bytes I given to send, and not sent yet
min_rtt_us I shortest round-trip time seen
data_segments_received I segments with data received
data_segments_sent I segments with data sent
delivery_rate_bytes_per_s Q how fast data arrived lately
busy_us Q time during which there was something to send
rwnd_limited_us Q of that: time waiting for room at the receiver
sndbuf_limited_us Q of that: time waiting for the program, the send buffer being small
delivered I segments that arrived, the SYN included
delivered_ce I of those: marked by a congested router (RFC 3168)
bytes_sent Q bytes of data sent, repeated ones included
bytes_retransmitted Q bytes of data sent again
duplicates I segments that arrived twice (RFC 2883)
reorderings I how often segments came out of order
out_of_order I segments that came out of order
send_window_bytes I room that the other side has told
receive_window_bytes I room that we have told
path_changes I how often the way through the network was chosen anew
total_rto H retransmission timeouts, in all
total_rto_recoveries H how often it recovered from them
total_rto_ms I time that this took
"""


def _fields() -> list[TcpField]:
    found, offset = [], 0
    for line in _LAYOUT.strip().splitlines():
        name, code, meaning = line.split(maxsplit=2)
        # On every Linux of 64 bits u64 stands at a multiple of eight; so does it here.
        found.append(TcpField(name, code, offset, meaning))
        offset = found[-1].end
    return found


ALL_FIELDS = _fields()
FIELDS = {field.name: field for field in ALL_FIELDS if not field.name.startswith(".")}
ENOUGH_BYTES = 1024  # to ask for; the struct had 280 in 2025

Value = int | str | bool | None

# What stands for "no limit" in the kernel.
_UNLIMITED = {"ssthresh": 0x7FFFFFFF, "max_pacing_rate_bytes_per_s": 2**64 - 1}


def parse_tcp_info(data: bytes) -> dict[str, Value]:
    """Return the fields that the kernel's answer reaches, by name. No bytes are too few or many.

    `ssthresh` and `max_pacing_rate_bytes_per_s` are None where there is no limit (yet).
    """
    found: dict[str, Value] = {}
    for name, field in FIELDS.items():
        if field.end > len(data):
            break
        value = struct.unpack_from("=" + field.code, data, field.offset)[0]
        found[name] = None if value == _UNLIMITED.get(name) else _read(name, value)
    return found


def _read(name: str, value: int) -> Value:
    if name == "state":
        return STATES.get(value, f"state {value}")
    if name == "congestion_state":
        known = value < len(CONGESTION_STATES)
        return CONGESTION_STATES[value] if known else f"state {value}"
    if name == "options":
        return ", ".join(word for bit, word in OPTIONS.items() if value & bit) or "none"
    if name == "window_scales":  # two bit-fields: which half is the first is the machine's choice
        sending, receiving = (value & 15, value >> 4)[:: 1 if sys.byteorder == "little" else -1]
        return f"{sending}, {receiving}"
    return value
