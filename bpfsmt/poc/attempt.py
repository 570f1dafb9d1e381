"""An attempt: an operation, shapes for its operands, and what comes of it on numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bpfsmt.poc.belief import question
from bpfsmt.poc.operations import Operation
from bpfsmt.poc.shapes import Move, Numbers


@dataclass(frozen=True)
class Candidate:
    """Lines that should show a fault of a rule when the prologue's calls return these numbers."""

    rule: str
    lines: tuple[str, ...]
    numbers: tuple[int, int]


@dataclass(frozen=True)
class Attempt:
    """An operation on r6 and r7, and the moves that give each of them its bounds."""

    operation: Operation
    left: tuple[Move, ...]
    right: tuple[Move, ...]

    @property
    def length(self) -> int:
        """The instructions of its program, without the question at its end."""
        return len(self.left) + len(self.right) + 1

    @property
    def moves(self) -> tuple[Move, ...]:
        """All moves, in the order of the program."""
        return (*self.left, *self.right)

    def without(self, i: int) -> Attempt:
        """The same but for one of its moves."""
        few = len(self.left)
        if i < few:
            return replace(self, left=(*self.left[:i], *self.left[i + 1 :]))
        j = i - few
        return replace(self, right=(*self.right[:j], *self.right[j + 1 :]))

    def candidate(
        self, ints: Numbers, numbers: Sequence[int], constants: Sequence[int]
    ) -> Candidate | None:
        """The program with these constants, or None where the verifier is right about it.

        Nor is it one if the numbers do not come as far as the operation.
        """
        if not all(m.takes(k) for m, k in zip(self.moves, constants, strict=True)):
            return None
        few = len(self.left)
        first, second = numbers
        x = ints.follow(first, self.left, constants[:few])
        y = ints.follow(second, self.right, constants[few:])
        if not all((*x.given, *y.given)):
            return None
        asked = question(self.operation, self.operation.outcome(ints, x, y))
        if asked is None:
            return None
        texts = [(m.text, "6") for m in self.left] + [(m.text, "7") for m in self.right]
        lines = [_line(t, reg, k) for (t, reg), k in zip(texts, constants, strict=True)]
        return Candidate(self.operation.rule, (*lines, *asked), (first, second))


def _line(text: str, reg: str, k: int) -> str:
    value = k - (1 << 64) if k >> 63 else k
    return text.replace("REG", reg).replace("K", str(value))
