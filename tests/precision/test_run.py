"""Asking about many rules: what is kept, by what it is found again, and operands known in part."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from typing import Any

import pytest

import bpfsmt
from bpfsmt.bits import replace, rule
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.precision import run
from bpfsmt.precision.alone import Alone, flat
from bpfsmt.precision.memory import ASKS, Memory
from bpfsmt.precision.optimal import Limits, Optimality, decide
from bpfsmt.precision.parts import PARTS, RangePart
from bpfsmt.precision.run import Asker, Options, ask, chosen, pieces
from bpfsmt.prover.search import near
from bpfsmt.rules import rule_set

from . import planted

PAPER = planted.PAPER
OPTIONS = Options(Limits(1, 20), width=1, count=10)
LINUX = rule_set("linux-6.12")


def test_an_interrupted_run_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(tmp_path / "precision.sqlite")
    about = ("tnum_and", "tnum_or")
    first = next(ask(PAPER, about, OPTIONS, 1, memory))
    assert first.rule == "tnum_and"
    asked: list[str] = []

    def noted(question: Any, *rest: Any) -> Any:
        asked.append(question.name)
        return decide(question, *rest)

    monkeypatch.setattr(run, "decide", noted)
    again = {a.rule: a for a in ask(PAPER, about, OPTIONS, 1, memory)}
    assert asked == ["tnum_or/tnum"]
    assert again["tnum_and"] == first
    assert {v.verdict for a in again.values() for v in a.answers} == {"optimal"}


def test_what_is_unknown_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(tmp_path / "precision.sqlite")
    unknown = Optimality("tnum_and", "tnum_and", "tnum", "unknown", why="planted")
    with monkeypatch.context() as m:
        m.setattr(run, "decide", lambda *_: unknown)
        (found,) = ask(PAPER, ("tnum_and",), OPTIONS, 1, memory)
        assert found.answers == (unknown,)
    (found,) = ask(PAPER, ("tnum_and",), OPTIONS, 1, memory)
    assert found.answers[0].verdict == "optimal"


def test_an_answer_is_found_again_by_the_rules_that_it_is_about() -> None:
    (operation,) = chosen(PAPER, ("tnum_and",))
    (piece, _) = pieces(PAPER, operation, OPTIONS)
    key = Asker(PAPER, OPTIONS).key(piece)
    assert Asker(planted.loose_far_away(), OPTIONS).key(piece) == key  # another tnum_or
    assert Asker(planted.loose_and(), OPTIONS).key(piece) != key
    assert Asker(PAPER, Options(Limits(2, 3), 1, count=10)).key(piece) == key
    assert Asker(PAPER, Options(width=2)).key(piece) != key


def test_the_texts_that_answers_depend_on_are_listed() -> None:
    """Everything that the listed texts import, but for what is a rule or a name only."""
    root = Path(bpfsmt.__file__).parent
    listed = {f for t in ASKS for f in ([t] if t.endswith(".py") else [f"{t}/"])}
    aside = {
        "rules/ruleset.py", "prover/contract.py", "prover/mentions.py", "prover/obligation.py",
        "prover/replay.py", "isa/instruction.py", "isa/opcodes.py", "prover/theorems/__init__.py",
    }  # fmt: skip
    for text in (t for t in ASKS if t.endswith(".py")):
        for name in _imported(root / text):
            path = name.removeprefix("bpfsmt.").replace(".", "/")
            file = f"{path}.py" if (root / f"{path}.py").exists() else f"{path}/__init__.py"
            inside = any(file.startswith(r) for r in listed if r.endswith("/"))
            assert inside or file in listed | aside, f"{text} imports {name}"


def _imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    names = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
    return {n for n in names if n.startswith("bpfsmt.") and n != "bpfsmt.semantics"}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_steps_that_are_left_out_change_nothing(part: Any) -> None:
    steps = Alone(LINUX).steps(part)
    assert 0 < len(steps) < len(flat(LINUX, "sync")) / 2
    rng = random.Random(3)
    run_ = LINUX.linked.ints
    for _ in range(500):
        numbers = sorted(near((0, 1 << 31, 1 << 32, 1 << 63), rng) for _ in range(2))
        if isinstance(part, RangePart):
            value: Any = tuple(sorted(part.read(n) for n in numbers))
        else:
            value = Tnum(numbers[0] & ~numbers[1], numbers[1])
        r = part.alone(value)
        for step in steps:
            r = run_[step](r)
        assert r == run_["sync"](part.alone(value))


def test_a_step_that_changes_something_is_not_left_out() -> None:
    @rule
    def bounds_from_sign(r: Scalar) -> Scalar:
        return replace(r, umax=r.umax | 1)

    u64 = PARTS["u64"]
    assert "bounds_from_sign" in Alone(PAPER.derive("widening", bounds_from_sign)).steps(u64)


def test_what_sync_loses_at_its_end_is_seen() -> None:
    @rule
    def tnum_from_bounds(r: Scalar) -> Scalar:
        return replace(r, smax=r.smax | 1)

    wrong = LINUX.derive("loses", tnum_from_bounds)
    (operation, _) = chosen(wrong, ("refine64_ult",))
    piece = next(p for p in pieces(wrong, operation, OPTIONS) if p.name.endswith("s64"))
    found = Asker(wrong, OPTIONS)(piece)
    assert found.answer is not None
    assert found.answer.verdict not in ("optimal", "not sound")
