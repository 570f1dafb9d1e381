"""Corpora to measure: programs by the name of how they are made, and as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from bpfsmt.generate.guided import guided_programs, guided_sample
from bpfsmt.generate.programs import programs, scalar_programs
from bpfsmt.generate.sample import sample
from bpfsmt.generate.scores import scoring
from bpfsmt.isa.directives import Directive, join
from bpfsmt.program.program import Program
from bpfsmt.program.text import program_text
from bpfsmt.rules import RuleSet

_SEARCH = 400
"""Programs of one search for higher scores."""

Features = Iterable[str] | None


def _guided(rules: RuleSet, count: int, seed: int, features: Features) -> Iterator[Program]:
    return guided_sample(rules, count, seed, features)


def _targeted(rules: RuleSet, count: int, seed: int, features: Features) -> Iterator[Program]:
    strategy = guided_programs(rules, features)
    chunk = min(count, _SEARCH)
    return sample(strategy, count, seed, score=scoring(rules), chunk=max(chunk, 1))


def _mixed(rules: RuleSet, count: int, seed: int, features: Features) -> Iterator[Program]:
    return sample(programs(), count, seed)


def _scalar(rules: RuleSet, count: int, seed: int, features: Features) -> Iterator[Program]:
    return sample(scalar_programs(), count, seed)


MAKERS: dict[str, Callable[[RuleSet, int, int, Features], Iterator[Program]]] = {
    "guided": _guided,
    "targeted": _targeted,
    "mixed": _mixed,
    "scalar": _scalar,
}
"""By the verifier's states, the same pushed by scores, and the two that know little."""


def corpus(
    rules: RuleSet, count: int, seed: int, maker: str = "guided", features: Features = None
) -> Iterator[Program]:
    """``count`` programs (fewer if there are no more), each with a name of its own."""
    made = MAKERS[maker](rules, count, seed, features)
    return (replace(p, name=f"{maker}_{seed}_{n}") for n, p in enumerate(made))


def write(program: Program, folder: Path, title: str) -> Path:
    """Write a program as assembly text under its name, with a title; `OSError` if it cannot."""
    path = folder / f"{program.name}.bpfasm"
    path.write_text(join(Directive("title", (title,))) + "\n" + program_text(program))
    return path
