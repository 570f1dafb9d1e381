"""What the walk of Linux owes beyond its rules, each thing of which was forgotten once.

Rules speak of values; here is what else has to be done for the claims of a walk to be true.
All of it is done unless a rule set says otherwise.  Those of the museum do, one each, and
those of real kernels where a kernel still has the fault:

>>> from bpfsmt.rules import rule_set
>>> rule_set("linux-6.12").policy.duties.undone
('rounds_told', 'tail_calls_return')
>>> rule_set("museum/cve-2023-2163").policy.duties.undone
('both_compared', 'rounds_told', 'tail_calls_return')
>>> meaning("both_compared")
'of two registers that were compared both matter if one does'
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields


def _duty(meaning: str) -> bool:
    """A field that says whether something is done."""
    done: bool = field(default=True, metadata={"meaning": meaning})
    return done


@dataclass(frozen=True, slots=True)
class Duties:
    """What a walk does, by name; `meaning` says what each is."""

    # Which numbers have mattered, and so must agree where states are compared.
    both_compared: bool = _duty("of two registers that were compared both matter if one does")
    narrow_slots: bool = _duty("what matters is followed through spills of fewer than 8 bytes")
    fetches: bool = _duty("what matters is followed through an atomic operation that fetches it")
    alloc_sizes: bool = _duty("the size of a reserved record matters")
    linked_numbers: bool = _duty("numbers that were narrowed together matter together")
    outer_frames: bool = _duty("a path that ends is told what matters in the frames of callers")
    # Which states are compared, and how closely.
    bit_tests: bool = _duty("what is read where a branch on bits jumps to is not dead")
    exact_rounds: bool = _duty("all of a state is compared until its loop is through with")
    rounds_told: bool = _duty("paths that came back into a loop are told what matters there")
    # Where a run goes on, and when packet pointers are stale.
    tail_calls_return: bool = _duty("a tail call that succeeds leads back behind its function")
    after_tail_calls: bool = _duty("a tail call ends packet pointers")
    after_functions: bool = _duty("a global function that changes the packet ends its pointers")
    # Accesses and arguments.
    aligned_stack: bool = _duty("accesses to the stack are aligned")
    written_words: bool = _duty("a word that a helper fills in may not be one of constants")
    ring_maps: bool = _duty("helpers for ring buffers take ring buffers only")
    whole_records: bool = _duty("a record is given back by the address of its beginning")

    @property
    def undone(self) -> tuple[str, ...]:
        """The names of what is not done."""
        return tuple(f.name for f in fields(self) if not getattr(self, f.name))


ALL = Duties()
"""Everything is done."""


def meaning(name: str) -> str:
    """What a duty is, in words."""
    found: str = next(f.metadata["meaning"] for f in fields(Duties) if f.name == name)
    return found
