"""What many comparisons come to: counts, and the disagreements grouped by cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bpfsmt.agree.compare import Agreement, Compared
from bpfsmt.agree.states import States


@dataclass(frozen=True, slots=True)
class Group:
    """The programs that differ in one way."""

    cause: str
    names: tuple[str, ...]


@dataclass(slots=True)
class Score:
    """Counts over programs.

    ``lost`` are programs without any comparison, each a disagreement: not loaded, not
    compiled, no verdict.
    """

    compared: list[Compared] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All programs, the lost ones too."""
        return len(self.compared) + len(self.lost)

    def count(self, agreement: Agreement) -> int:
        """How many verdicts stand so to each other."""
        return sum(1 for each in self.compared if each.agreement is agreement)

    @property
    def unsafe(self) -> list[Compared]:
        """What we accept and the kernel rejects to keep memory safe."""
        return [each for each in self.compared if each.unsafe]

    def ratio(self, what: str) -> tuple[int, int]:
        """How many are true, of how many that are true or false: "same_pc", "same_kind"."""
        answers = [getattr(each, what) for each in self.compared]
        return answers.count(True), answers.count(True) + answers.count(False)

    @property
    def same_walk(self) -> tuple[int, int]:
        """Accepted by both: how many with the same number of walked instructions."""
        both = [c.walked for c in self.compared if c.ours.accepted and c.kernel.accepted]
        known = [walked for walked in both if None not in walked]
        return sum(1 for ours, kernel in known if ours == kernel), len(known)

    @property
    def states(self) -> States:
        """The states of all together."""
        total = States()
        for each in self.compared:
            if each.states is not None:
                total.add(each.states)
        return total

    def groups(self) -> list[Group]:
        """The disagreements by cause, the largest group first."""
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.compared:
            if each.cause:
                found[each.cause].append(each.name)
        for name, why in self.lost.items():
            found[f"no comparison: {why}"].append(name)
        ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
        return [Group(cause, tuple(names)) for cause, names in ranked]

    def to_json(self) -> dict[str, Any]:
        """The counts as plain data."""
        verdicts = Counter(each.agreement for each in self.compared)
        return {
            "programs": self.total,
            "verdicts": {each.name.lower(): verdicts[each] for each in Agreement}
            | {"lost": len(self.lost)},
            "unsafe": [each.name for each in self.unsafe],
            "same_pc": _pair(self.ratio("same_pc")),
            "same_kind": _pair(self.ratio("same_kind")),
            "same_walk": _pair(self.same_walk),
            "states": self.states.to_json(),
            "causes": [{"cause": g.cause, "programs": list(g.names)} for g in self.groups()],
        }


def score(compared: Iterable[Compared], lost: dict[str, str] | None = None) -> Score:
    """The score of these."""
    return Score(list(compared), dict(lost or {}))


def _pair(numbers: Sequence[int]) -> dict[str, int]:
    return {"true": numbers[0], "of": numbers[1]}


def percent(part: int, whole: int) -> str:
    """A ratio as people read it.

    >>> percent(2, 3), percent(0, 0)
    ('2 of 3 (66.67 %)', '0 of 0')
    """
    return f"{part} of {whole}" + (f" ({100 * part / whole:.2f} %)" if whole else "")
