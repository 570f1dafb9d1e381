"""What comes of a mutant."""

from __future__ import annotations

from dataclasses import dataclass

from bpfsmt.mutation.mutant import Mutant
from bpfsmt.mutation.trial import Example
from bpfsmt.prover.decide import Result
from bpfsmt.prover.obligation import Counterexample


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one formula, first and second try."""

    quick: float = 4.0
    slow: float = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant.

    ``verdict`` is "refuted" (``obligation`` with its ``counterexample``; ``how`` it was found:
    "run" or "solver"), "sound", or "unknown" (``why``).

    A sound one is ``relation`` to the original, which is "proved" (perhaps "proved before sync")
    or, where the solver did not settle it, only "sampled" (``compared``), with ``examples`` of
    where it says less or more; and ``proofs`` are the results that make it sound; or if it is
    the original for all arguments, ``equal`` is the formula that says so, and the original's
    proofs are its own.  ``needs_synced`` says that these proofs need operands that went through
    `sync` where the original's do not: then ``proofs`` are also of the callers that hand it
    other records.  ``seconds`` are of processor time.
    """

    mutant: Mutant
    verdict: str
    obligation: str = ""
    counterexample: Counterexample | None = None
    how: str = ""
    relation: str = ""
    compared: str = ""
    examples: tuple[Example, ...] = ()
    proofs: tuple[Result, ...] = ()
    equal: str = ""
    needs_synced: bool = False
    why: str = ""
    asked: tuple[str, ...] = ()
    runs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hint:
    """How a mutant of this text was refuted before; it only counts if it does so again."""

    obligation: str
    counterexample: Counterexample
