"""Outcomes: refuted on ints, proved and compared, unknown; and a prover that proves everything."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from bpfsmt.domain import Tnum
from bpfsmt.domain.gamma import tnum_contains
from bpfsmt.mutation.ask import Prover
from bpfsmt.mutation.baseline import Baseline
from bpfsmt.mutation.judge import judge
from bpfsmt.mutation.mutant import mutants_of
from bpfsmt.mutation.outcome import Hint
from bpfsmt.mutation.score import total
from bpfsmt.mutation.trial import Sample, Samples, Tried, broken_by
from bpfsmt.prover.decide import Result
from bpfsmt.prover.theorems import Theorem
from bpfsmt.rules import RuleSet
from bpfsmt.rules.tnum import tnum_sub

from .small import SMALL, baseline, mutant, outcome


def test_which_theorems_are_asked() -> None:
    """A rule's own, or where it has none those of the callers that read it."""
    asked = baseline().asked("tnum_add")
    assert asked.near == ("tnum_add",)
    assert asked.far == ()
    assert baseline().asked("keep_low").near == ("tnum_zext32",)


def test_a_wrong_rule_is_refuted_on_ints() -> None:
    """A forgotten carry: the counterexample is an addition that the mutant gets wrong."""
    m = mutant("tnum_add", "(least ^ most) | a.mask | b.mask → b.mask")
    found = outcome(m)
    assert found.verdict == "refuted"
    assert found.obligation == "tnum_add/tnum"
    c = found.counterexample
    assert c is not None
    (a, b), (x, y) = c.args, c.numbers
    assert tnum_contains(a, x)
    assert tnum_contains(b, y)
    wrong = m.compile(SMALL.linked.rules["tnum_add"])(a, b)
    assert not tnum_contains(wrong, (x + y) % 2**64)


def test_without_runs_the_solver_refutes() -> None:
    """What runs would find, the solver finds too."""
    m = mutant("tnum_add", "(least ^ most) | a.mask | b.mask → b.mask")
    found = outcome(m, NoRuns(Samples(SMALL)))
    assert (found.verdict, found.how) == ("refuted", "solver")
    assert found.counterexample is not None


def test_a_looser_rule_is_proved() -> None:
    """More unknown bits than needed: sound, by the obligations listed, and less precise."""
    found = outcome(mutant("tnum_add", "least ^ most → (least | most)"))
    assert (found.verdict, found.relation, found.compared) == ("sound", "looser", "proved")
    assert {r.name for r in found.proofs} == {"tnum_add/tnum", "tnum_add/form"}
    assert all(r.verdict == "proved" and r.formulas for r in found.proofs)


def test_an_equal_rule_is_found_out() -> None:
    """A case that changes nothing: sound because the texts agree everywhere."""
    found = outcome(mutant("tnum_zext32", "a.mask == 0 → False"))
    assert (found.verdict, found.relation, found.compared) == ("sound", "equal", "proved")
    assert "(check-sat)" in found.equal


def test_a_part_without_a_theorem() -> None:
    """A rule that no theorem is about is judged by its caller's."""
    found = outcome(mutant("keep_low", "0xFFFF_FFFF → 4294967296"))
    assert found.verdict == "refuted"
    assert found.obligation.startswith("tnum_zext32/")


@dataclass
class NoRuns(Prover):
    """Never finds a counterexample by running."""

    def run(
        self, changed: RuleSet, theorem: str, spared: frozenset[str], start: int = 0, end: int = 9
    ) -> Tried:
        """As if nothing had been tried."""
        found = super().run(changed, theorem, spared, start, end)
        return Tried(examples=found.examples)


@dataclass
class Believer(NoRuns):
    """Says "proved" to everything."""

    def prove(
        self, theorem: Theorem, spared: Container[str], by_text: frozenset[str] = frozenset()
    ) -> Iterator[Result]:
        """All proved, without a look."""
        for o in theorem.obligations():
            yield Result(o.name, o.kind.value, o.rule, "proved", formulas=("none",))


def test_a_prover_that_proves_everything_scores_nothing() -> None:
    """Of the mutants that change something none is refuted: score 0; the real one's is near 1."""
    mutants = mutants_of(SMALL.linked.rules["tnum_and"]).found
    planted = total(outcome(m, Believer(Samples(SMALL))) for m in mutants)
    assert planted.share == 0
    assert planted.mutants == len(mutants) > 10
    real = total(outcome(m) for m in mutants)
    assert real.counts["unknown"] == 0
    assert real.share is not None
    assert real.share > 0.8


def test_nothing_to_ask_is_unknown() -> None:
    """A rule of which no theorem speaks: its mutants are unknown, and it is said why."""
    rules = SMALL.extend("more", tnum_sub)
    m = mutants_of(tnum_sub).found[0]
    found = judge(rules, m, Baseline(rules).asked("tnum_sub"), Prover(Samples(rules)))
    assert (found.verdict, found.why) == ("unknown", "no theorem speaks of tnum_sub that is proved")


def test_what_refuted_it_before_is_run_again() -> None:
    """It stands if it shows the fault again, and says nothing if it does not."""
    wrong = mutant("tnum_add", "(least ^ most) | a.mask | b.mask → b.mask")
    first = outcome(wrong)
    assert first.counterexample is not None
    hint = Hint(first.obligation, first.counterexample)
    prover, asked = Prover(Samples(SMALL)), baseline().asked("tnum_add")
    again = judge(SMALL, wrong, asked, prover, hint)
    assert (again.verdict, again.counterexample) == ("refuted", first.counterexample)
    assert again.runs == 0 < first.runs
    sound = mutant("tnum_add", "least ^ most → (least | most)")
    assert judge(SMALL, sound, asked, prover, hint).verdict == "sound"


def test_members_at_the_ends_are_tried() -> None:
    """A result that lost only a number that was not drawn: the ends of what is said are."""
    name = "tnum_and"
    m = mutant(name, "a.value & b.value → a.value")
    rules = SMALL.derive(m.name, m.compile(SMALL.linked.rules[name]))
    args = (Tnum(4, 0), Tnum(0, 4))
    sample = Sample(args, (4, 4), SMALL.linked.ints[name](*args))
    about = [o for o in Samples(SMALL).obligations(name) if o.name == f"{name}/tnum"]
    assert broken_by(rules, about, sample, moved=False) is None
    found = broken_by(rules, about, sample, moved=True)
    assert found is not None
    assert found[1].numbers == (4, 0)
