"""Programs of a strategy outside a test: so many, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hypothesis import HealthCheck, Phase, given, seed, settings, target
from hypothesis.strategies import SearchStrategy

from bpfsmt.generate.steady import steady
from bpfsmt.program.program import Program

CHUNK = 50
"""Programs are drawn in chunks of so many, each with a seed of its own."""

Score = Callable[[Program], Mapping[str, float]]
"""What to look for more of, by name (`bpfsmt.generate.guided.scores`)."""


def sample(
    strategy: SearchStrategy[Program],
    count: int,
    number: int,
    *,
    score: Score | None = None,
    chunk: int = CHUNK,
) -> Iterator[Program]:
    """``count`` programs for the seed ``number``.

    With a ``score`` each chunk is a search of its own for programs that score higher; such
    chunks had better be of some hundreds.
    """
    made = 0
    while made < count:
        found = drawn(strategy, number * 1_000_003 + made // chunk, chunk, score=score)
        if not found:
            return
        yield from found[: count - made]
        made += chunk


def drawn(
    strategy: SearchStrategy[Program],
    number: int,
    count: int = CHUNK,
    *,
    score: Score | None = None,
) -> list[Program]:
    """At most ``count`` programs, fewer only if the strategy has no more."""
    found: list[Program] = []
    phases = [Phase.generate] if score is None else [Phase.generate, Phase.target]

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=phases,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(program: Program) -> None:
        found.append(program)
        for name, value in score(program).items() if score else ():
            target(value, label=name)

    with steady():
        collect()
    return found
