"""What gadgets work with: choices, the draft, and the registers that will do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from bpfsmt.domain import Reg, RegType, Scalar
from bpfsmt.generate.guided.draft import Draft
from bpfsmt.isa import Instruction

if TYPE_CHECKING:
    from bpfsmt.generate.guided.gadgets import Gadget, Nest

T = TypeVar("T")

Choose: TypeAlias = "Callable[[int, int], int]"
"""Chooses a number from the first to the second; the least is the simplest."""

REGISTERS = tuple(range(10))
FRAME = 10


@dataclass
class Drawing:
    """One program that is being drawn.

    ``choose`` makes all choices: hypothesis, or random numbers; ``together`` runs a function
    whose choices belong together.  ``features`` are those that may be used, ``gadgets`` what is
    drawn from, ``most`` is how many instructions there may be, ``daring`` says that an
    instruction just beyond what is accepted may be put, once.
    """

    choose: Choose
    together: Callable[[Callable[[], None]], None]
    draft: Draft
    features: frozenset[str]
    gadgets: Sequence[Gadget | Nest]
    most: int
    daring: bool = False
    frequent: bool = False
    """States will be compared at every jump."""
    depth: int = 0
    looping: bool = False
    """What is put now is walked again and again."""
    kept: set[int] = field(default_factory=set)
    """Registers that nothing may write for now (the counter of a loop)."""
    finished: set[int] = field(default_factory=set)
    """The functions whose code is whole, so that they can be called again."""

    # Choices

    def one(self, choices: Sequence[T]) -> T:
        """One of them, the first being the simplest."""
        return choices[self.number(0, len(choices) - 1)] if len(choices) > 1 else choices[0]

    def number(self, low: int, high: int) -> int:
        """A number, the least being the simplest."""
        return self.choose(low, high)

    def often(self, times: int, of: int) -> bool:
        """True so many times of so many; false is the simpler."""
        return self.number(0, of - 1) >= of - times

    def wide(self) -> bool:
        """64 bits, or 32 for arithmetic."""
        return "alu32" not in self.features or not self.often(1, 3)

    def wide_jump(self) -> bool:
        """64 bits, or 32 for a compare."""
        return "jmp32" not in self.features or not self.often(1, 3)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """In a function, whose registers are its own."""
        outer, self.kept = self.kept, set()
        yield
        self.kept = outer

    # The state

    @property
    def done(self) -> bool:
        """Nothing more is to be put here."""
        return not self.draft.here or self.draft.refused or len(self.draft) >= self.most

    def which(self, holds: Callable[[Reg], bool]) -> list[int]:
        """The registers of which this holds in every state."""
        files = [state.frames[-1].regs for state in self.draft.here]
        if not files:
            return []
        return [n for n in REGISTERS if all(holds(regs[n]) for regs in files)]

    def numbers(self) -> list[int]:
        """The registers that hold numbers."""
        return self.which(is_number)

    def scalar(self, register: int) -> Scalar:
        """What is known of a register in one of the states."""
        found = self.draft.regs(register)
        return (found[0] if len(found) == 1 else self.one(found)).scalar

    def free(self, *but: int) -> list[int]:
        """Registers that may be written, those without a number first."""
        numbers = self.numbers()
        candidates = [n for n in REGISTERS if n not in self.kept and n not in but]
        return sorted(candidates, key=lambda n: n in numbers)

    def a_number(self, *but: int) -> int | None:
        """One of the registers with a number, `None` if there is none."""
        found = [n for n in self.numbers() if n not in but]
        return self.one(found) if found else None

    def a_target(self, *but: int) -> int:
        """A register to write to, whatever it holds."""
        return self.one(self.free(*but))

    # Instructions

    def put(self, *insns: Instruction) -> bool:
        """Append if it is accepted; if not, a daring program ends with it."""
        draft = self.draft
        if draft.put(*insns):
            return True
        if self.daring and len(insns) == 1 and draft.here and self.often(1, 2):
            draft.put_anyway(insns[0])
            self.daring = False
        return False

    def jump(self, insn: Instruction, label: int) -> bool:
        """A jump to a label, or back to a pc, if it is accepted."""
        return self.draft.jump(insn, label)


def is_number(reg: Reg) -> bool:
    """The register holds a number."""
    return reg.type is RegType.SCALAR_VALUE
