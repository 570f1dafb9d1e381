"""One program through the oracles, the cheap ones first.

The abstract verifier says what is claimed; the machine runs every accepted program, and goes
single steps from the states that are claimed (`bpfsmt.fuzz.steps`); Z3 is asked about a share of
them, and where no steps are gone about those of whose claims the runs say little; the kernel
about all.  An exception in any of them is a finding, with its traceback.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bpfsmt.domain.analysis import Analysis, Outcome
from bpfsmt.errors import OracleError
from bpfsmt.fuzz.finding import Key, Kind, Oracle, Shown
from bpfsmt.fuzz.kernel import Kernel
from bpfsmt.fuzz.machine import Watch
from bpfsmt.fuzz.settings import Settings
from bpfsmt.fuzz.solver import Prover
from bpfsmt.fuzz.steps import Steps
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet, load_rules
from bpfsmt.verifier import verify


@dataclass(frozen=True)
class Court:
    """The oracles that a program is brought before: the rule set, by its spec, and the settings.

    ``wanted`` is the only finding that matters, if there is one: nothing is asked once it is
    shown.  With ``thorough``, a whole run is looked for that shows what Z3 refutes of a step.
    ``counted`` are the same rules with counters, if what programs reach is counted.
    """

    spec: str
    settings: Settings
    rules: RuleSet
    wanted: Key | None = None
    thorough: bool = False
    counted: RuleSet | None = None

    @classmethod
    def of(cls, spec: str, settings: Settings) -> Court:
        """With the rule set of that name or file."""
        return cls(spec, settings, settings.bound(load_rules(spec)))


@dataclass
class Judgement:
    """What came of one program: findings, and counts by what was counted."""

    shown: list[Shown] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Verified(NamedTuple):
    """What our verifier says of a program: its claims, and all that it knew at each visit."""

    claims: Analysis
    full: Analysis


def judge(court: Court, program: Program, name: str, number: int) -> Judgement:
    """All oracles on one program.

    ``name`` is what its inputs are drawn for; ``number`` its number, by which the share
    of Z3 is chosen.
    """
    out = Judgement(counts=Counter({"programs": 1}))
    found = _verified(court, program, out)
    settings = court.settings
    if found is not None and found.claims.verdict.accepted:
        reached = _machine(court, found, name, out) if settings.asks(Oracle.MACHINE) else set()
        if settings.asks(Oracle.STEP):
            _steps(court, found, name, out)
        little = not settings.asks(Oracle.STEP) and _says_little(found.claims, reached)
        chosen = little or number % settings.share == 0
        if settings.asks(Oracle.Z3) and chosen:
            _z3(court, found, reached, out)
    if found is not None and settings.asks(Oracle.KERNEL):
        _kernel(court, program, found, name, out)
    return out


def _verified(court: Court, program: Program, out: Judgement) -> Verified | None:
    """What the walk claims, and all that it knew.

    `None` if it ended with an exception, or was given up.
    """
    found: Verified | None = None

    def ask() -> Iterable[Shown]:
        nonlocal found
        full = verify(program, court.counted or court.rules, forgetful=False)
        if full.walked > court.settings.walked:
            out.counts["too long"] += 1
        else:
            found = Verified(verify(program, court.rules), full)
        return ()

    _asked(court, out, Oracle.MACHINE, "verifier", ask)
    if found is not None:
        out.counts[_WORDS[found.claims.verdict.outcome]] += 1
    return found


_WORDS = {
    Outcome.ACCEPT: "accepted", Outcome.REJECT: "rejected", Outcome.UNSUPPORTED: "unsupported",
}  # fmt: skip


def _says_little(analysis: Analysis, reached: set[int]) -> bool:
    """Whether the runs came to less than half of the instructions that were walked."""
    walked = {visit.pc for visit in analysis.visits}
    return 2 * len(reached & walked) < len(walked)


def _machine(court: Court, found: Verified, name: str, out: Judgement) -> set[int]:
    reached: set[int] = set()

    def ask() -> Iterator[Shown]:
        watch = Watch(*found, court.rules)
        yield from watch.drawn(court.settings.inputs, name)
        out.counts.update(watch.counts)
        reached.update(watch.reached)

    _asked(court, out, Oracle.MACHINE, "machine", ask)
    return reached


def _steps(court: Court, found: Verified, name: str, out: Judgement) -> None:
    def ask() -> Iterator[Shown]:
        steps = Steps(found.full, court.rules)
        yield from steps.drawn(name)
        out.counts.update(steps.counts)

    _asked(court, out, Oracle.STEP, "step", ask)


def _z3(court: Court, found: Verified, reached: set[int], out: Judgement) -> None:
    def ask() -> Iterator[Shown]:
        prover = Prover(*found, court.settings, thorough=court.thorough)
        if court.settings.asks(Oracle.MACHINE):
            watch = Watch(*found, court.rules)
            yield from watch.given(prover.inputs(reached))
            out.counts.update(watch.counts)
        yield from prover.claims()
        out.counts.update(prover.counts)

    _asked(court, out, Oracle.Z3, "z3", ask)


def _kernel(court: Court, program: Program, found: Verified, name: str, out: Judgement) -> None:
    def ask() -> Iterator[Shown]:
        kernel = Kernel(program, court.rules, court.spec)
        yield from kernel.loads(found.full)
        if found.claims.verdict.accepted:
            yield from kernel.runs(found.full, name)
        out.counts.update(kernel.counts)

    _asked(court, out, Oracle.KERNEL, "kernel", ask)


def _asked(
    court: Court, out: Judgement, oracle: Oracle, name: str, ask: Callable[[], Iterable[Shown]]
) -> None:
    """What an oracle shows, each key once; an exception of it is shown as well."""
    seen = {shown.key for shown in out.shown}
    if court.wanted in seen:
        return
    try:
        for shown in ask():
            if shown.key not in seen:
                seen.add(shown.key)
                out.shown.append(shown)
            if shown.key == court.wanted:
                return
    except OracleError:
        out.counts[f"{name} not asked"] += 1
    except Exception as error:
        out.shown.append(_crash(oracle, name, error))


def _crash(oracle: Oracle, name: str, error: Exception) -> Shown:
    """An exception: its rule is the place where it was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.name}"
    key = Key(Kind.CRASH.value, place, f"{name} {type(error).__name__}")
    text = "".join(traceback.format_exception(error))
    return Shown(key, oracle, -1, text)
