"""Claims about numbers on the stack, held against memory that was never written."""

from __future__ import annotations

import pytest

from bpfsmt.domain import Reg, RegType, Slot
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.domain.state import Frame, State
from bpfsmt.prover import Proved, Solver
from bpfsmt.symbolic.claims import assume, holds
from bpfsmt.symbolic.state import SymState
from bpfsmt.symbolic.values import neg

SMALL = Scalar(Tnum(0, 7), 0, 7, 0, 7, 0, 7, 0, 7)
HALF = UNKNOWN._replace(
    var_off=Tnum(0, (1 << 32) - 1), umax=(1 << 32) - 1, smin=0, smax=(1 << 32) - 1
)


def state(*slots: Slot) -> State:
    """One frame with these slots, and nothing else known."""
    nothing = Reg(RegType.NOT_INIT)
    return State((Frame((nothing,) * 11, dict(enumerate(slots))),))


def never_written() -> SymState:
    return assume(state()).state


def holds_always(claim: State, *, junk: bool) -> bool:
    formula = neg(holds(claim, never_written(), junk=junk))
    return isinstance(Solver().impossible(formula), Proved)


@pytest.mark.parametrize(
    ("slots", "always"),
    [
        ([Slot("rrrrrrrr", Reg(RegType.SCALAR_VALUE))], True),
        ([Slot("????rrrr", Reg(RegType.SCALAR_VALUE, HALF))], True),
        ([Slot("????rrrr", Reg(RegType.SCALAR_VALUE, SMALL))], False),
        ([Slot("rrrrrrrr", Reg(RegType.SCALAR_VALUE, SMALL))], False),
        ([Slot("rrrrrrrr", Reg(RegType.PTR_TO_CTX))], False),
        ([Slot("rrrrrrrr", Reg(RegType.SCALAR_VALUE, id=1))] * 2, False),
        ([Slot("00000000")], False),
    ],
)
def test_any_number_may_be_there_and_no_other_claim_holds(slots: list[Slot], always: bool) -> None:
    assert holds_always(state(*slots), junk=True) is always
    assert not holds_always(state(*slots), junk=False), "only a kernel's claims admit such reads"
