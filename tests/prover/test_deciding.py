"""Three answers and nothing else: timeouts, empty premises, unconfirmed models are unknown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import z3

from bpfsmt.prover.cache import Cache, theorem_key
from bpfsmt.prover.decide import Decider, smtlib
from bpfsmt.prover.obligation import Attempt, Kind, Obligation, fixed
from bpfsmt.prover.prove import Options, prove
from bpfsmt.prover.recheck import second_opinion
from bpfsmt.prover.solver import Proved, Solver, Unknown, words_only
from bpfsmt.prover.theorems import theorems
from bpfsmt.rules import rule_set

X, Y = z3.BitVecs("x y", 64)


def decide(*given: z3.BoolRef, goal: z3.BoolRef, exact: bool = True) -> tuple[str, str]:
    def attempts() -> Iterator[Attempt]:
        yield Attempt(given, goal, exact=exact)

    result = Decider(0.5, 1.0).decide(Obligation("o", Kind.LEMMA, "", attempts))
    return result.verdict, result.why


def test_proved() -> None:
    assert decide(z3.ULT(X, 4), goal=z3.ULT(X, 5)) == ("proved", "")


def test_a_model_that_is_not_confirmed_is_no_refutation() -> None:
    verdict, why = decide(z3.ULT(X, 5), goal=z3.ULT(X, 4))
    assert verdict == "unknown"
    assert "not confirmed" in why


def test_empty_premises_prove_nothing() -> None:
    verdict, why = decide(z3.ULT(X, 4), z3.UGT(X, 4), goal=X == 7)
    assert verdict == "unknown"
    assert "vacuous" in why


def test_a_timeout_is_unknown() -> None:
    # Factoring: out of reach in a few milliseconds.
    wide = z3.ZeroExt(64, X) * z3.ZeroExt(64, Y)
    semiprime = z3.BitVecVal(18446744073709551557 * 18446744073709551533, 128)
    o = fixed("factors", Kind.LEMMA, "", (z3.UGT(X, 1), z3.UGT(Y, 1)), wide != semiprime)
    result = Decider(0.005, 0.01).decide(o)
    assert result.verdict == "unknown"
    assert "timeout" in result.why


def test_no_attempt_is_unknown() -> None:
    nothing = Obligation("o", Kind.LEMMA, "", lambda: iter([]), why="no way")
    result = Decider().decide(nothing)
    assert (result.verdict, result.why) == ("unknown", "no way")


@pytest.mark.parametrize("module", ["bitwuzla", "cvc5"])
def test_a_second_solver_disagrees_where_it_should(module: str) -> None:
    pytest.importorskip(module)
    assert second_opinion(smtlib(z3.And(z3.ULT(X, 4), X == 5))).answer == "unsat"
    assert second_opinion(smtlib(z3.And(z3.ULT(X, 4), X == 3))).answer == "sat"


def test_second_time_from_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "proofs.sqlite")
    rules = rule_set("xdp-paper")
    first = list(prove(rules, ["tnum_and"], cache=cache, jobs=1))
    again = list(prove(rules, ["tnum_and"], cache=cache, jobs=1))
    assert [d.cached for d in first] == [False]
    assert [d.cached for d in again] == [True]
    verdicts = [[r.verdict for r in d.results] for d in (*first, *again)]
    assert verdicts[0] == verdicts[1]


def test_a_changed_rule_has_another_key() -> None:
    from bpfsmt.bits import rule
    from bpfsmt.domain import Tnum

    @rule
    def tnum_and(a: Tnum, b: Tnum) -> Tnum:
        return Tnum(a.value & b.value, a.mask | b.mask)

    base = rule_set("xdp-paper")
    mine = base.derive("mine", tnum_and)
    of = {t.name: t for t in theorems(base)}
    assert theorem_key(base, of["tnum_and"]) != theorem_key(mine, of["tnum_and"])
    assert theorem_key(base, of["tnum_sub"]) == theorem_key(mine, of["tnum_sub"])


def test_formulas_are_written(tmp_path: Path) -> None:
    options = Options(dump=tmp_path)
    done = list(prove(rule_set("xdp-paper"), ["tnum_and"], options=options, jobs=1))
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.smt2"))
    assert Path("xdp-paper/tnum_and/tnum.smt2") in files
    assert len(files) == sum(len(r.formulas) for d in done for r in d.results)
    solver = z3.Solver()
    solver.from_file(str(tmp_path / files[0]))
    assert solver.check() == z3.unsat


def test_fixed() -> None:
    o = fixed("low bits", Kind.LEMMA, "", (X & 1 == 1,), X != 0)
    assert Decider().decide(o).verdict == "proved"


def test_a_limit_of_processor_time_is_one() -> None:
    """Factors of 64 bits take longer; a solver that was stopped can be asked again."""
    hard = z3.And(X * Y == 0x7FFF_FFFF_1234_5677, z3.ULT(X, 1 << 40), z3.ULT(Y, 1 << 40),
                  z3.UGT(X, 1), z3.UGT(Y, 1), z3.URem(Y, X) == 3)  # fmt: skip
    solver = Solver(make=words_only, cpu=True)
    found = solver.impossible(hard, 0.3)
    assert isinstance(found, Unknown)
    assert found.why == "timeout"
    assert 0.2 < found.seconds < 5
    assert isinstance(solver.impossible(X + 1 == X, 5.0), Proved)
