"""Counts of many comparisons."""

from bpfsmt.agree.choice import rules_for
from bpfsmt.agree.compare import Agreement, Compared
from bpfsmt.agree.relation import Relation
from bpfsmt.agree.score import percent, score
from bpfsmt.agree.states import States
from bpfsmt.domain.analysis import Outcome, Verdict

ACCEPT = Verdict(Outcome.ACCEPT)


def reject(kind: str, message: str = "") -> Verdict:
    return Verdict(Outcome.REJECT, 3, kind, message=message)


def compared(name: str, kernel: Verdict, agreement: Agreement) -> Compared:
    return Compared(name, ACCEPT, kernel, agreement, walked=(5, 5))


def test_what_was_lost_counts_as_disagreement() -> None:
    found = score([compared("a", ACCEPT, Agreement.SAME)], {"b": "not compiled"})
    assert (found.total, found.count(Agreement.SAME)) == (2, 1)
    assert [(g.cause, g.names) for g in found.groups()] == [("no comparison: not compiled", ("b",))]
    assert percent(1, found.total) == "1 of 2 (50.00 %)"


def test_like_causes_are_one_group_and_the_largest_is_first() -> None:
    packet = [
        compared(name, reject("packet-bounds", f"invalid access to packet, off={n} size=1"),
                 Agreement.FALSE_ACCEPT)
        for n, name in enumerate("xyz")
    ]  # fmt: skip
    large = compared("w", reject("too-complex", "too large"), Agreement.FALSE_ACCEPT)
    found = score([large, *packet])
    assert [group.names for group in found.groups()] == [("x", "y", "z"), ("w",)]
    assert [each.name for each in found.unsafe] == ["x", "y", "z"]


def test_states_add_up() -> None:
    one, two = States(aligned=3, walked=4), States(aligned=1, walked=1)
    one.pairs[Relation.EQUAL] = 8
    two.pairs[Relation.EQUAL] = two.pairs[Relation.WIDER] = 1
    found = score(
        [
            Compared(name, ACCEPT, ACCEPT, Agreement.SAME, states=states)
            for name, states in (("a", one), ("b", two), ("c", None))
        ]
    ).states
    assert (found.equal, found.total, found.aligned, found.walked) == (9, 10, 4, 5)


def test_rules_of_a_release() -> None:
    assert rules_for("6.18.44-fc-v657") == "linux-6.18"
    assert rules_for("6.14.1") == "linux-6.12"
    assert rules_for("7.2.0") == "linux-6.18"
