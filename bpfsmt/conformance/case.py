"""What is compared, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bpfsmt.kernel.oracle import RunInput
from bpfsmt.machine.run import EngineName
from bpfsmt.program.program import Program


@dataclass(frozen=True, slots=True)
class Case:
    """One program and what it is run on, one after another: maps live on from run to run.

    ``group`` says where the program is from ("files", "edges", "random", "maps", "helpers",
    "generated").
    ``frame`` is how many slots at its beginning and its end are not what is tried, but what
    brings numbers in and out.
    """

    group: str
    name: str
    program: Program
    inputs: tuple[RunInput, ...]
    frame: tuple[int, int] = (0, 0)


class Agreement(Enum):
    """What a comparison came to.

    REJECTED: the kernel does not accept the program, so there is nothing to compare.
    NOT_RUN: the kernel test-runs no programs of this type, or refuses these inputs.
    UNKNOWN: the machine does not model something that the program does.
    """

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where machine and kernel part: at which input, in what, and what each of them has.

    ``engine`` is which of the machine's engines it was.
    """

    input: int
    what: str
    machine: str
    kernel: str
    engine: EngineName = "auto"

    def __str__(self) -> str:
        ours = f"machine ({self.engine}) {self.machine}"
        return f"input {self.input}: {self.what}: {ours}, kernel {self.kernel}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A case that was compared: ``pairs`` are the inputs that both of them ran on.

    ``why`` is for what is neither the same nor different.
    """

    case: Case
    agreement: Agreement
    pairs: int = 0
    differences: tuple[Difference, ...] = field(default=())
    why: str = ""
