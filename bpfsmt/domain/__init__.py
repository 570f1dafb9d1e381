"""The abstract domain: tnums, scalars, registers, stack and state, with their meaning γ."""

from bpfsmt.domain.gamma import scalar_contains, tnum_contains
from bpfsmt.domain.printing import format_reg, format_scalar, format_slot, format_state
from bpfsmt.domain.reg import Reg, RegType
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.domain.state import Frame, Slot, State

__all__ = [
    "UNKNOWN",
    "Frame",
    "Reg",
    "RegType",
    "Scalar",
    "Slot",
    "State",
    "Tnum",
    "format_reg",
    "format_scalar",
    "format_slot",
    "format_state",
    "scalar_contains",
    "tnum_contains",
]
