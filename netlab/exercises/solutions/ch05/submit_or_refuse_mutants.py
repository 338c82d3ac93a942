"""Faulty variants of `submit_or_refuse`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import queue
from typing import Any

Jobs = queue.Queue[Any]


def submit_for_ever(jobs: Jobs, job: object) -> bool:
    jobs.put(job)
    return True


def submit_with_patience(jobs: Jobs, job: object) -> bool:
    try:
        jobs.put(job, timeout=1)
    except queue.Full:
        return False
    return True


def submit_without_an_answer(jobs: Jobs, job: object) -> None:
    with contextlib.suppress(queue.Full):
        jobs.put_nowait(job)


def submit_and_raise(jobs: Jobs, job: object) -> bool:
    jobs.put_nowait(job)
    return True


def submit_in_place_of_the_oldest(jobs: Jobs, job: object) -> bool:
    if jobs.full():
        jobs.get_nowait()
    jobs.put_nowait(job)
    return True


def submit_what_is_true(jobs: Jobs, job: object) -> bool:
    if not job:
        return False
    try:
        jobs.put_nowait(job)
    except queue.Full:
        return False
    return True


def submit_by_counting(jobs: Jobs, job: object) -> bool:
    if jobs.qsize() >= jobs.maxsize:
        return False
    jobs.put_nowait(job)
    return True


def submit_after_looking(jobs: Jobs, job: object) -> bool:
    if jobs.full():
        return False
    jobs.put(job)
    return True


def submit_whatever_happens(jobs: Jobs, job: object) -> bool:
    try:
        jobs.put_nowait(job)
    except Exception:
        return False
    return True


MUTANTS = (
    (submit_for_ever, "no room"),
    (submit_with_patience, "no room"),
    (submit_without_an_answer, "there is room"),
    (submit_and_raise, "no room"),
    (submit_in_place_of_the_oldest, "no room"),
    (submit_what_is_true, "jobs of every kind"),
    (submit_by_counting, "a queue without a limit"),
    (submit_after_looking, "somebody else takes the last place"),
    (submit_whatever_happens, "an error that has nothing to do with room"),
)
