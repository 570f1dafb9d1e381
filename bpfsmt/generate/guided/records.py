"""Records of a ring buffer: reserved, filled in, given back."""

from __future__ import annotations

from bpfsmt.domain import Reg
from bpfsmt.generate.guided.drawing import Drawing, is_number
from bpfsmt.generate.guided.maps import MAPS, RING, not_null, touch
from bpfsmt.generate.insns import alu, call, const, map_of, mov
from bpfsmt.isa import HELPER_IDS, AluOp

_RESERVE = HELPER_IDS["bpf_ringbuf_reserve"]
_GIVE_BACK = HELPER_IDS["bpf_ringbuf_submit"], HELPER_IDS["bpf_ringbuf_discard"]
_SIZES = (8, 16, 64, 13)


def record(d: Drawing) -> None:
    """A record of a size that is known, often in a register that was there."""
    sizes = [n for n in d.numbers() if n not in range(6) and _known(d, n)]
    record_of(d, d.one(sizes) if sizes and d.often(1, 2) else None)


def _known(d: Drawing, number: int) -> bool:
    def one_size(reg: Reg) -> bool:
        return is_number(reg) and not reg.scalar.var_off.mask and 0 < reg.scalar.umax <= 4096

    return all(map(one_size, d.draft.regs(number)))


def record_of(d: Drawing, size: int | None) -> None:
    """A record of as many bytes as this register says, or of a constant size.

    Sometimes another map is given for a ring buffer, or another address for the record's: that
    is refused, so it is put only where the rules allow it.
    """
    if not d.kept.isdisjoint(range(6)):
        return
    d.put(const(2, d.one(_SIZES)) if size is None else mov(2, size))
    d.put(const(3, 0))
    other = d.often(1, 6) and d.draft.put(
        map_of(1, d.number(0, len(MAPS) - 1)), call(_RESERVE)
    )  # fmt: skip
    if not other and not d.put(map_of(1, RING), call(_RESERVE)):
        return
    out = d.draft.label()
    not_null(d, 0, out)
    room = min((reg.mem for reg in d.draft.regs(0)), default=0)
    for _ in range(d.number(0, 2)):
        if room and not d.done:
            touch(d, 0, room)
    _given_back(d)
    d.draft.place(out)


def _given_back(d: Drawing) -> None:
    back = const(2, 0), call(d.one(_GIVE_BACK))
    moved = d.often(1, 6) and d.draft.put(mov(1, 0), alu(AluOp.ADD, 1, None, 8), *back)
    if not moved:
        d.draft.put(mov(1, 0), *back)
