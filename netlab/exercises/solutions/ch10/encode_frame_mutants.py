"""Faulty variants of `encode_frame`, each with the probe that catches it."""

from __future__ import annotations


def _frame(
    opcode: int,
    payload: bytes,
    mask: bytes | None,
    *,
    most_short: int = 125,
    most_medium: int = 65_535,
    order: str = "big",
) -> bytes:
    bit = 0 if mask is None else 0x80
    number = len(payload)
    if number <= most_short:
        head = bytes([bit | number])
    elif number <= most_medium:
        head = bytes([bit | 126]) + number.to_bytes(2, "little" if order == "little" else "big")
    else:
        head = bytes([bit | 127]) + number.to_bytes(8, "little" if order == "little" else "big")
    if mask is not None:
        payload = mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([0x80 | opcode]) + head + payload


def _refuse(opcode: int, payload: bytes) -> None:
    if opcode >= 8 and len(payload) > 125:
        raise ValueError("too long for a control frame")


def frame_without_fin(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    _refuse(opcode, payload)
    whole = _frame(opcode, payload, mask)
    return bytes([opcode]) + whole[1:]


def frame_that_is_always_masked(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    _refuse(opcode, payload)
    return _frame(opcode, payload, mask or bytes(4))


def frame_short_up_to_126(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    _refuse(opcode, payload)
    return _frame(opcode, payload, mask, most_short=126)


def frame_never_medium(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    _refuse(opcode, payload)
    return _frame(opcode, payload, mask, most_medium=0)


def frame_least_significant_first(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    _refuse(opcode, payload)
    return _frame(opcode, payload, mask, order="little")


def frame_masked_with_the_first_byte(
    opcode: int, payload: bytes, mask: bytes | None = None
) -> bytes:
    _refuse(opcode, payload)
    if mask is None:
        return _frame(opcode, payload, None)
    whole = _frame(opcode, payload, mask)
    return whole[: len(whole) - len(payload)] + bytes(byte ^ mask[0] for byte in payload)


def frame_mask_without_its_bit(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    _refuse(opcode, payload)
    whole = bytearray(_frame(opcode, payload, mask))
    if payload:
        whole[1] &= 0x7F
    return bytes(whole)


def frame_forgets_the_mask_of_nothing(
    opcode: int, payload: bytes, mask: bytes | None = None
) -> bytes:
    _refuse(opcode, payload)
    return _frame(opcode, payload, mask if payload else None)


def frame_of_control_that_is_long(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    return _frame(opcode, payload, mask)


MUTANTS = (
    (frame_without_fin, "a short text"),
    (frame_that_is_always_masked, "a short text"),
    (frame_forgets_the_mask_of_nothing, "nothing"),
    (frame_short_up_to_126, "where the length becomes longer"),
    (frame_never_medium, "where the length becomes longer"),
    (frame_least_significant_first, "where the length becomes longer"),
    (frame_masked_with_the_first_byte, "masked"),
    (frame_mask_without_its_bit, "masked"),
    (frame_of_control_that_is_long, "control frames"),
)
