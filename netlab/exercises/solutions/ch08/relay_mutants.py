"""Faulty variants of `relay`, each with the probe that catches it."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import Awaitable, Callable

Pump = Callable[[Reader, Writer], Awaitable[None]]


async def _pump(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _relay(reader: Reader, writer: Writer, upstream: tuple[str, int], pump: Pump) -> None:
    writers = [writer]
    ended_well = False
    try:
        up_reader, up_writer = await asyncio.open_connection(*upstream)
        writers.append(up_writer)
        async with asyncio.TaskGroup() as group:
            for one, other in ((reader, up_writer), (up_reader, writer)):
                group.create_task(_as_coroutine(pump, one, other))
        ended_well = True
    except* OSError:
        pass
    finally:
        for each in writers:
            if ended_well:
                each.close()
            else:
                each.transport.abort()


async def _as_coroutine(pump: Pump, reader: Reader, writer: Writer) -> None:
    await pump(reader, writer)


async def relay_of_lines(reader: Reader, writer: Writer, upstream: tuple[str, int]) -> None:
    async def pump(reader: Reader, writer: Writer) -> None:
        while data := await reader.readline():
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    await _relay(reader, writer, upstream, pump)


async def relay_up_only(reader: Reader, writer: Writer, upstream: tuple[str, int]) -> None:
    up_reader, up_writer = await asyncio.open_connection(*upstream)
    while data := await reader.read(65_536):
        up_writer.write(data)
        await up_writer.drain()
        writer.write(await up_reader.read(65_536))
    up_writer.close()
    writer.close()


async def relay_ends_with_the_first(
    reader: Reader, writer: Writer, upstream: tuple[str, int]
) -> None:
    async def pump(reader: Reader, writer: Writer) -> None:
        await _pump(reader, writer)
        writer.close()

    await _relay(reader, writer, upstream, pump)


async def relay_tells_no_end(reader: Reader, writer: Writer, upstream: tuple[str, int]) -> None:
    async def pump(reader: Reader, writer: Writer) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    await _relay(reader, writer, upstream, pump)


async def relay_forgets_who_was_refused(
    reader: Reader, writer: Writer, upstream: tuple[str, int]
) -> None:
    writers = [writer]
    try:
        up_reader, up_writer = await asyncio.open_connection(*upstream)
        writers.append(up_writer)
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, up_writer))
            group.create_task(_pump(up_reader, writer))
    except* OSError:
        pass
    if len(writers) > 1:
        for each in writers:
            each.close()


async def relay_outlives_a_reset(reader: Reader, writer: Writer, upstream: tuple[str, int]) -> None:
    async def pump(reader: Reader, writer: Writer) -> None:
        try:
            await _pump(reader, writer)
        except OSError:
            await asyncio.Event().wait()

    await _relay(reader, writer, upstream, pump)


async def relay_without_drain(reader: Reader, writer: Writer, upstream: tuple[str, int]) -> None:
    async def pump(reader: Reader, writer: Writer) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.write_eof()

    await _relay(reader, writer, upstream, pump)


_turn = asyncio.Lock()


async def relay_one_after_the_other(
    reader: Reader, writer: Writer, upstream: tuple[str, int]
) -> None:
    async with _turn:
        await _relay(reader, writer, upstream, _pump)


async def relay_waits_to_close(reader: Reader, writer: Writer, upstream: tuple[str, int]) -> None:
    try:
        up_reader, up_writer = await asyncio.open_connection(*upstream)
    except OSError:
        writer.close()
        return
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, up_writer))
            group.create_task(_pump(up_reader, writer))
    except* OSError:
        pass
    finally:
        up_writer.close()
        writer.close()
        for each in (up_writer, writer):
            with contextlib.suppress(OSError):
                await each.wait_closed()


async def relay_swallows_cancellation(
    reader: Reader, writer: Writer, upstream: tuple[str, int]
) -> None:
    try:
        await _relay(reader, writer, upstream, _pump)
    except asyncio.CancelledError:
        return


MUTANTS = (
    (relay_of_lines, "both ways"),
    (relay_tells_no_end, "last words"),
    (relay_ends_with_the_first, "last words"),
    (relay_up_only, "last words"),
    (relay_forgets_who_was_refused, "nobody upstream"),
    (relay_outlives_a_reset, "a client that vanishes"),
    (relay_one_after_the_other, "two at once"),
    (relay_without_drain, "a client that does not read"),
    (relay_waits_to_close, "cancelled while a write waits"),
    (relay_swallows_cancellation, "cancelled while a write waits"),
)
