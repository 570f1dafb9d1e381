"""Programs timed in the machine of this project, on one CPU."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

from bpfsmt.bench.prelude import Vary
from bpfsmt.bench.spread import Spread
from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Code, Environment, Inputs, run
from bpfsmt.program import Program

DIFFERENT = 512
"""So many different frames are made where a field varies, and used in turn."""


class Interpreted:
    """One program with its maps filled, ready to be timed on frames.

    ``maps`` are entries by the map's name.  Raises `BpfsmtError` for an entry that does not
    fit.
    """

    def __init__(
        self,
        program: Program,
        inputs: Sequence[Inputs],
        *,
        maps: Mapping[str, Mapping[bytes, bytes]] | None = None,
    ) -> None:
        self._code = Code(program)
        self._inputs = list(inputs)
        self.env = Environment()
        self.env.load(program)
        for name, entries in (maps or {}).items():
            target = self.env.map(name)
            for key, value in entries.items():
                target.update(key, value)

    def answer(self, number: int = 0) -> int:
        """The program's answer to one of the frames (the low half of R0)."""
        result = run(self._code, self._inputs[number], self.env)
        if result.problem:
            raise BpfsmtError(f"{self._code.program.name}: {result.problem}")
        return (result.r0 or 0) & 0xFFFFFFFF

    def measure(self, runs: int, seconds: float) -> tuple[Spread, float]:
        """Nanoseconds for one packet, and how many instructions it takes on average.

        Each of the ``runs`` lasts about ``seconds`` and goes over all frames at least once.
        """
        steps = sum(run(self._code, each, self.env).steps for each in self._inputs)
        rounds = max(1, round(seconds / max(self._once() / 1e9, 1e-9)))
        found = [
            sum(self._once() for _ in range(rounds)) / (rounds * len(self._inputs))
            for _ in range(runs)
        ]
        return Spread.of(found), steps / len(self._inputs)

    def _once(self) -> int:
        """Nanoseconds of this thread's time for all frames."""
        code, env = self._code, self.env
        started = time.thread_time_ns()
        for each in self._inputs:
            run(code, each, env)
        return time.thread_time_ns() - started


def varied(frame: bytes, vary: Vary | None, ctx: Mapping[str, int]) -> list[Inputs]:
    """The frame, or as many as `DIFFERENT` with another value in the field that varies."""
    if vary is None:
        return [Inputs(frame, ctx)]
    numbers: Sequence[int] = range(vary.count)
    if vary.count > DIFFERENT:
        numbers = random.Random(1).sample(numbers, DIFFERENT)
    return [Inputs(vary.apply(frame, number), ctx) for number in numbers]
