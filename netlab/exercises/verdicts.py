"""Red-team exercises: the learner's code is a probe, and the examiner looks at its verdict.

In the child process `judges.verdict` (or a judge made with it) calls the probe with something that
is faulty or correct, and reports as `answer` what it asserted, or None. In the examiner, `verdict`
says whether that was right:

    Probe("the reader that forgets", 3, verdict("this reader loses bytes", late_rule=4),
          judge_one, (ForgetfulReader,))
    Probe("a correct reader", 2, verdict(praise="this reader is correct", late_rule=4),
          judge_one, (PlainReader,))
"""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

_STILL_RAN = "nothing: your code still ran"
"""how a trial's failure begins if the code was not done in time"""


def verdict(
    fault: str = "",
    *,
    praise: str = "",
    late_rule: int | None = None,
    timeout_s: float | None = None,
    started: str = "",
    plain: Callable[[str], str] = str,
) -> Callable[[Trial], None]:
    """Return what examines one verdict of the learner's probe.

    Args:
        fault: what the probe is to object to, such as `this server loses bytes`. Empty: what it
            is given is correct, and it must not object.
        praise: what is right about something correct, such as `this server echoes correctly`.
        late_rule: number of the rule that says how long the probe may take; None: the rule that
            is tested is the one that is broken then, too.
        timeout_s: seconds that it may take; None: as long as any step of a trial.
        started: a sentence for the transcript: what the probe is called with.
        plain: makes of an objection what the report shows, where the objection would hold what
            chance decides (times, counts).

    What is returned raises `Broken` if the verdict is wrong, or if there is none: the probe raised
    something other than AssertionError, or was not done in time.
    """
    wanted = f"an AssertionError: {fault}" if fault else f"no objection: {praise}"

    def examine(trial: Trial) -> None:
        if started:
            trial.note(started)
        try:
            objection: str | None = trial.wait("answer", timeout_s)
        except Broken as broken:
            late = broken.got.startswith(_STILL_RAN)
            raise Broken(wanted, broken.got, rule=late_rule if late else None) from None
        if bool(fault) != (objection is not None):
            raise Broken(wanted, "no objection" if objection is None else plain(objection))

    return examine
