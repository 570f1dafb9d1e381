"""Original and mutant compared by the solver, where running them shows nothing."""

from __future__ import annotations

from bpfsmt.mutation.ask import Prover
from bpfsmt.mutation.compare import Compared, compared
from bpfsmt.mutation.trial import Example, Samples
from bpfsmt.prover.obligation import Obligation
from bpfsmt.prover.order import Relation
from bpfsmt.rules import RuleSet

from .small import SMALL, baseline, mutant

SEEN = {Relation.LOOSER: Example("tnum_add", (), 0, 1, Relation.LOOSER)}
FORGETS = "least ^ most → (least | most)"


def relation_of(found: Compared) -> tuple[Relation, bool]:
    return found.relation, bool(found.how)


def changed(rule: str, says: str) -> RuleSet:
    m = mutant(rule, says)
    return SMALL.derive(m.name, m.compile(SMALL.linked.rules[rule]))


def obligations(rule: str) -> list[Obligation]:
    samples = Prover(Samples(SMALL)).samples
    return [samples.obligations(name)[0] for name in baseline().asked(rule).near]


def test_examples_are_found_and_their_lack_is_proved() -> None:
    """Nothing was seen: the solver finds where it says less, and that it never says more."""
    looser = changed("tnum_add", FORGETS)
    about = obligations("tnum_add")
    assert relation_of(compared(SMALL, looser, "tnum_add", about, {})) == (Relation.LOOSER, True)
    found = compared(looser, SMALL, "tnum_add", about, {})
    assert relation_of(found) == (Relation.TIGHTER, True)
    example = found.examples[Relation.TIGHTER]
    results = (r.linked.ints["tnum_add"](*example.args) for r in (looser, SMALL))
    assert (example.original, example.mutant) == tuple(results)
    assert example.original != example.mutant


def test_more_here_and_less_there() -> None:
    """One example was seen, the solver finds the other one."""
    other = changed("tnum_and", "a.value & b.value → a.value")
    found = compared(SMALL, other, "tnum_and", obligations("tnum_and"), SEEN)
    assert relation_of(found) == (Relation.OTHER, True)


def test_equal() -> None:
    """Two texts that agree on all arguments."""
    same = changed("tnum_zext32", "a.mask == 0 → False")
    found = compared(SMALL, same, "tnum_zext32", obligations("tnum_zext32"), {})
    assert relation_of(found) == (Relation.EQUAL, True)


def test_without_obligations_nothing_is_proved() -> None:
    """What was seen is said, and that it is not proved."""
    looser = changed("tnum_add", FORGETS)
    assert relation_of(compared(SMALL, looser, "tnum_add", [], SEEN)) == (Relation.LOOSER, False)
    assert relation_of(compared(SMALL, looser, "tnum_add", [], {})) == (Relation.EQUAL, False)
