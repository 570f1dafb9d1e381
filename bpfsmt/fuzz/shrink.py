"""A finding made as small as possible: first by hypothesis, then instruction by instruction.

Hypothesis draws the programs of the batch again, up to the one that shows the finding, and from
there shrinks the choices that made it.  How long it may try is counted in programs, not seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bpfsmt.errors import BpfsmtError
from bpfsmt.fuzz.finding import Found, Oracle, Shown
from bpfsmt.fuzz.judge import Court, judge
from bpfsmt.fuzz.known import explained
from bpfsmt.fuzz.settings import Settings
from bpfsmt.fuzz.source import number, strategy
from bpfsmt.generate import minimise, needed_maps
from bpfsmt.generate.steady import steady
from bpfsmt.program.program import Program

TRIES = 20
"""Programs that hypothesis may try."""

REMOVALS = 300
"""Programs with one instruction less that are tried then."""

Shows = Callable[[Program], Shown | None]


@dataclass(frozen=True, slots=True)
class Shrink:
    """A task: the finding in the smallest program that shows it, ``least`` set."""

    settings: Settings
    found: Found

    @property
    def limit(self) -> int:
        """Seconds of processor time that it may take."""
        return self.settings.allowed

    def run(self) -> Found:
        """Shrink; a finding that does not show again stays as it is."""
        shows = again(self.settings, self.found)
        drawn = _by_hypothesis(self.settings, self.found, shows)
        program = min((_by_hand(p, shows) for p in (drawn, self.found.program)), key=len)
        shown = again(self.settings, self.found, thorough=True)(program)
        if shown is None:
            return replace(self.found, least=True)
        return replace(self.found, program=program, shown=shown, least=True)


def again(settings: Settings, found: Found, *, thorough: bool = False) -> Shows:
    """Asks a program for the same finding: key and cause, by the oracle that had it.

    With ``thorough``, for a whole run that shows it as well.
    """
    only = {found.shown.oracle.value}
    if found.shown.oracle is Oracle.Z3:  # inputs that Z3 finds are run on the machine
        only |= {Oracle.MACHINE.value} & set(settings.oracles)
    oracles = tuple(o for o in settings.oracles if o in only)
    alone = replace(settings, oracles=oracles, share=1)
    court = replace(Court.of(found.rules, alone), wanted=found.key, thorough=thorough)
    name = f"{settings.seed}/{found.batch}/{found.index}"

    def shows(program: Program) -> Shown | None:
        try:
            judged = judge(court, program, name, found.batch * settings.size + found.index)
        except BpfsmtError:
            return None
        same = [s for s in judged.shown if s.key == found.key]
        why = (explained(court.rules, settings, program, s) for s in same)
        return next((s for s in why if s.cause == found.shown.cause), None)

    return shows


class _Found(Exception):
    """Tells hypothesis that an example shows the finding."""


def _by_hypothesis(settings: Settings, found: Found, shows: Shows) -> Program:
    from hypothesis import HealthCheck, Phase, given, seed
    from hypothesis import settings as hypothesis_settings
    from hypothesis.internal.conjecture import engine

    court = Court.of(found.rules, settings)
    best = found.program
    calls, tries = 0, 0

    def test(program: Program) -> None:
        nonlocal best, calls, tries
        calls += 1
        if calls <= found.index:
            return  # it was met later in the batch
        tries += 1
        if tries <= TRIES and shows(program) is not None:
            if (len(program), tries) < (len(best), tries) or tries == 1:
                best = program
            raise _Found

    programs = strategy(settings.source, court.rules, found.batch)
    engine.MAX_SHRINKING_SECONDS = 1 << 40  # it is the tries that end it
    quiet = hypothesis_settings(
        max_examples=settings.size, database=None, deadline=None, report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
        print_blob=False,
    )  # fmt: skip
    try:
        with steady():
            seed(number(settings.seed, found.batch))(quiet(given(programs)(test)))()
    except BaseException as error:
        # When the tries are used up, the last example no longer fails: hypothesis says so.
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
    return best


def _by_hand(program: Program, shows: Shows) -> Program:
    tries = 0

    def still(shorter: Program) -> bool:
        nonlocal tries
        tries += 1
        return tries <= REMOVALS and shows(shorter) is not None

    try:
        program = minimise(program, still)
    except ValueError:  # a jump that is not mended
        return program
    fewer = needed_maps(program)
    return fewer if still(fewer) else program
