"""The claims about an exhibit's program, checked by what knows nothing of the fault.

Where a walk forgets something, no rule is wrong, and nothing is refuted without a program.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bpfsmt.crosscheck.run import crosscheck
from bpfsmt.museum.replay import Replay, replay
from bpfsmt.program import load_asm
from bpfsmt.rules.museum import PROGRAM, Exhibit
from bpfsmt.rules.ruleset import RuleSet

TIMEOUT = 60.0
"""Seconds for one query."""

RUN = "run"
"""The check that is a run in the machine."""


@dataclass(frozen=True)
class Claims:
    """The checks that refute claims with the fault (``wrong``), and without it (``right``).

    Each is named as by `bpfsmt.crosscheck`, or "run".  ``first`` is the processor time in
    seconds until something was refuted, ``seconds`` that for all of ``wrong``, ``corrected``
    that for all of ``right``.
    """

    wrong: tuple[str, ...]
    right: tuple[str, ...]
    first: float
    seconds: float
    corrected: float

    def faults(self, exhibit: Exhibit) -> Iterator[str]:
        """What is otherwise than the exhibit says, in words."""
        for name in sorted(set(exhibit.caught) - set(self.wrong)):
            yield f"not refuted: {name} finds nothing wrong with the program"
        for name in sorted(set(self.wrong) - set(exhibit.caught)):
            yield f"{name} refutes a claim about the program too"
        for name in self.right:
            yield f"{name} refutes a claim about the program with the corrected rules"


def claims(exhibit: Exhibit, replayed: Replay | None = None) -> Claims | None:
    """Check what both rule sets claim of the program; `None` if rules are all there is to it.

    ``replayed`` is the program's run, if it is at hand.
    """
    if exhibit.kind != PROGRAM:
        return None
    start = time.process_time()
    wrong = _refuting(exhibit, exhibit.rules)
    checked = time.process_time()
    ran = replayed or replay(exhibit)
    if ran is not None and ran.wrong.wrong:
        wrong = (*wrong, RUN)
    end = time.process_time()
    right = _refuting(exhibit, exhibit.base)
    corrected = time.process_time() - end
    if ran is not None and ran.right.wrong:
        right = (*right, RUN)
    first = (checked if wrong != (RUN,) else end) - start
    return Claims(wrong, right, first, end - start, corrected)


def _refuting(exhibit: Exhibit, rules: RuleSet) -> tuple[str, ...]:
    assert exhibit.program is not None
    program = load_asm(exhibit.program.read_text(), exhibit.name)
    report = crosscheck(program, rules, timeout=TIMEOUT, precision_seconds=0.0)
    return tuple(dict.fromkeys(f.check for f in report.refuted))
