"""Faulty variants of `stranger_probe`, each with the probe that catches it."""

from __future__ import annotations

from typing import Any

from socketio import AsyncSimpleClient
from socketio.exceptions import TimeoutError as Silence

_SILENCE_S = 0.3


async def _hears(client: AsyncSimpleClient) -> bool:
    try:
        await client.receive(timeout=_SILENCE_S)
    except Silence:
        return False
    return True


async def _probe(
    url: str, *, joins: bool = True, sits: bool = True, speaks: bool = True, believes: bool = False
) -> None:
    ann, mallory = AsyncSimpleClient(), AsyncSimpleClient()
    try:
        for client in (ann, mallory):
            await client.connect(url)
        table = (await ann.call("open_table", {}))["table"]
        answers: list[dict[str, Any]] = []
        if joins:
            answers.append(await mallory.call("join_room", {"room": table}))
        if sits:
            answers.append(await mallory.call("sit", {"table": table, "key": "?"}))
        if believes:
            assert not any(answer["ok"] for answer in answers), "she was let in"
        else:
            await ann.call("say", {"table": table, "text": "a secret"})
            assert not await _hears(mallory), "a stranger hears"
        if speaks:
            await mallory.call("say", {"table": table, "text": "boo"})
            assert not await _hears(ann), "a stranger is heard"
    finally:
        for client in (ann, mallory):
            await client.disconnect()


async def probe_does_not_join(url: str) -> None:
    await _probe(url, joins=False)


async def probe_does_not_sit(url: str) -> None:
    await _probe(url, sits=False)


async def probe_does_not_speak(url: str) -> None:
    await _probe(url, speaks=False)


async def probe_believes_the_answers(url: str) -> None:
    await _probe(url, sits=False, believes=True)


async def probe_believes_a_refusal(url: str) -> None:
    await _probe(url, joins=False, believes=True)


async def probe_takes_any_no_for_a_fault(url: str) -> None:
    client = AsyncSimpleClient()
    await client.connect(url)
    try:
        opened = await client.call("open_table", {})
        answer = await client.call("join_room", {"room": opened["table"]})
        assert answer["ok"], "a room of the chat is refused"
        await _probe(url)
    finally:
        await client.disconnect()


async def probe_objects_to_everything(url: str) -> None:
    raise AssertionError("I do not like it")


MUTANTS = (
    (probe_does_not_join, "chat and tables are one"),
    (probe_does_not_sit, "a look that comes too late"),
    (probe_does_not_speak, "anybody may speak"),
    (probe_believes_a_refusal, "chat and tables are one"),
    (probe_believes_the_answers, "a correct server"),
    (probe_takes_any_no_for_a_fault, "a correct server that refuses rooms"),
    (probe_objects_to_everything, "a correct server"),
)
