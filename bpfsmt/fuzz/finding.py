"""What a campaign finds, and by what two findings are the same one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

from bpfsmt.crosscheck.witness import Witness
from bpfsmt.program.program import Program


class Oracle(Enum):
    """Who is asked about a program that is verified; the value is the word for the option.

    STEP is the machine too, but begins at the states that are claimed, not at the start.
    """

    MACHINE = "machine"
    STEP = "step"
    Z3 = "z3"
    KERNEL = "kernel"


class Kind(Enum):
    """What was found.

    RUN: a run of an accepted program is outside a claim, or ends in a fault.  CLAIM: Z3, or a
    step from a state that is claimed, refutes one.  VERDICT, STATE: our verifier and the running
    kernel disagree on the verdict or on a state.  RESULT: the machine and the running kernel give
    different results.  CRASH: an oracle ended with an exception.
    """

    RUN = "run"
    CLAIM = "claim"
    VERDICT = "verdict"
    STATE = "state"
    RESULT = "result"
    CRASH = "crash"


WHOLE = "whole"
"""The component where only the formula of the whole program shows that a claim is false."""


DIED = "died"
"""The component where a program ended the process that judged it, or had no end there."""


class Key(NamedTuple):
    """By what findings are told apart, within one rule set.

    ``rule`` is the rule that made the claim, by its name in the rule set where it has one (else
    what the instruction is: a helper, "load"); of a crash, where it happened.  ``component`` is
    the part of the claim that is false ("u32", "type", "unreached"), or how the two differ.
    """

    kind: str
    rule: str
    component: str

    def __str__(self) -> str:
        return f"{self.kind} {self.rule} {self.component}"


Same: TypeAlias = tuple[str, Key, str]
"""What a finding has in common each time that it is met: rule set, key and cause."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding about one program.

    ``witness`` is the whole input of a run that shows it, where there is one; ``text`` says it
    in words, of a crash it is the traceback.  ``cause`` is what is known to be wrong in the
    release, or what the two sides were not told, if it was tried that the finding rests on that
    (`bpfsmt.fuzz.known`, `bpfsmt.agree.causes`); "" where it is unexplained.
    """

    key: Key
    oracle: Oracle
    pc: int
    text: str
    witness: Witness | None = None
    cause: str = ""

    @property
    def same(self) -> tuple[Key, str]:
        """By what it is told apart from others of its program."""
        return self.key, self.cause


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its program, and where in the campaign it was met.

    ``times`` is how often it was met in the batch.  ``least`` says that the program has been
    made as short as possible.
    """

    rules: str
    batch: int
    index: int
    program: Program
    shown: Shown
    times: int = 1
    least: bool = False

    @property
    def key(self) -> Key:
        """By what it is told apart."""
        return self.shown.key

    @property
    def same(self) -> Same:
        """By what it is told apart from others of its campaign."""
        return self.rules, *self.shown.same

    @property
    def place(self) -> tuple[int, int]:
        """The earlier of two findings that are the same is kept."""
        return self.batch, self.index
