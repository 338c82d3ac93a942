"""Faulty variants of `ask_all`, each with the probe that catches it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

Addresses = Sequence[tuple[str, int]]


async def _ask(address: tuple[str, int], question: str, timeout_s: float) -> str | None:
    writer = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(f"{question}\n".encode())
            line = await reader.readline()
    except (OSError, TimeoutError):
        return None
    finally:
        if writer is not None:
            writer.close()
    return line.decode().removesuffix("\n") if line.endswith(b"\n") else None


async def ask_one_after_the_other(
    addresses: Addresses, question: str, timeout_s: float
) -> list[str | None]:
    return [await _ask(address, question, timeout_s) for address in addresses]


async def ask_with_the_newline(
    addresses: Addresses, question: str, timeout_s: float
) -> list[str | None]:
    found = await asyncio.gather(*(_ask(one, question, timeout_s) for one in addresses))
    return [None if answer is None else answer + "\n" for answer in found]


async def ask_one_read(addresses: Addresses, question: str, timeout_s: float) -> list[str | None]:
    async def ask(address: tuple[str, int]) -> str | None:
        writer = None
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(*address)
                writer.write(f"{question}\n".encode())
                data = await reader.read(1024)
        except (OSError, TimeoutError):
            return None
        finally:
            if writer is not None:
                writer.close()
        return data.decode().removesuffix("\n") or None

    return list(await asyncio.gather(*map(ask, addresses)))


async def ask_all_or_nothing(
    addresses: Addresses, question: str, timeout_s: float
) -> list[str | None]:
    async def ask(address: tuple[str, int]) -> str | None:
        reader, writer = await asyncio.open_connection(*address)
        with contextlib.closing(writer):
            writer.write(f"{question}\n".encode())
            return (await reader.readline()).decode().removesuffix("\n")

    async with asyncio.timeout(timeout_s):
        return list(await asyncio.gather(*map(ask, addresses)))


async def ask_in_the_order_of_answers(
    addresses: Addresses, question: str, timeout_s: float
) -> list[str | None]:
    found = await asyncio.gather(*(_ask(one, question, timeout_s) for one in addresses))
    return sorted(found, key=lambda answer: answer is None)


async def ask_takes_half_an_answer(
    addresses: Addresses, question: str, timeout_s: float
) -> list[str | None]:
    async def ask(address: tuple[str, int]) -> str | None:
        writer: Any = None
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(*address)
                writer.write(f"{question}\n".encode())
                line = await reader.readline()
        except (OSError, TimeoutError):
            return None
        finally:
            if writer is not None:
                writer.close()
        return line.decode().removesuffix("\n") or None

    return list(await asyncio.gather(*map(ask, addresses)))


async def ask_leaves_the_late_open(
    addresses: Addresses, question: str, timeout_s: float
) -> list[str | None]:
    async def ask(address: tuple[str, int]) -> str | None:
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(*address)
                _kept.append(writer)
                writer.write(f"{question}\n".encode())
                line = await reader.readline()
        except (OSError, TimeoutError):
            return None
        writer.close()
        return line.decode().removesuffix("\n") if line.endswith(b"\n") else None

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    return list(await asyncio.gather(*map(ask, addresses)))


_kept: list[asyncio.StreamWriter] = []

MUTANTS = (
    (ask_with_the_newline, "one server"),
    (ask_one_read, "an answer in pieces"),
    (ask_one_after_the_other, "three at once"),
    (ask_all_or_nothing, "one refuses"),
    (ask_in_the_order_of_answers, "one refuses"),
    (ask_takes_half_an_answer, "one leaves in the middle"),
    (ask_leaves_the_late_open, "one is silent"),
)
