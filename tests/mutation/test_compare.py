"""Original and mutant compared by the solver, where running them shows nothing."""

from __future__ import annotations

from bpfsmt.mutation.compare import compared
from bpfsmt.mutation.judge import Prover
from bpfsmt.mutation.trial import Samples
from bpfsmt.prover.obligation import Obligation
from bpfsmt.prover.order import Relation
from bpfsmt.rules import RuleSet

from .small import SMALL, baseline, mutant

FORGETS = "least ^ most → (least | most)"


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
    assert compared(SMALL, looser, "tnum_add", about, ()) == (Relation.LOOSER, True)
    assert compared(looser, SMALL, "tnum_add", about, ()) == (Relation.TIGHTER, True)


def test_more_here_and_less_there() -> None:
    """One example was seen, the solver finds the other one."""
    other = changed("tnum_and", "a.value & b.value → a.value")
    seen = {Relation.LOOSER}
    found = compared(SMALL, other, "tnum_and", obligations("tnum_and"), seen)
    assert found == (Relation.OTHER, True)


def test_equal() -> None:
    """Two texts that agree on all arguments."""
    same = changed("tnum_zext32", "a.mask == 0 → False")
    found = compared(SMALL, same, "tnum_zext32", obligations("tnum_zext32"), ())
    assert found == (Relation.EQUAL, True)


def test_without_obligations_nothing_is_proved() -> None:
    """What was seen is said, and that it is not proved."""
    looser = changed("tnum_add", FORGETS)
    assert compared(SMALL, looser, "tnum_add", [], {Relation.LOOSER}) == (Relation.LOOSER, False)
    assert compared(SMALL, looser, "tnum_add", [], ()) == (Relation.EQUAL, False)
