"""A frame's state as the log writes it: registers and stack slots on one line.

A line of a whole state leaves out what holds nothing; one behind an instruction has only
what the instruction names or changes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bpfsmt.domain.reg import NOT_INIT, Reg, RegType
from bpfsmt.domain.state import SLOT_SIZE, SPILL, Slot
from bpfsmt.kernel.log.regs import Dialect, Reader, Unmodelled, Unreadable

_ITEM = re.compile(r"(?:(?<=\s)|\A)(?:R(\d+)|fp-(\d+))(?:_[rwD]+)?=")
_FRAME = re.compile(r"\s*frame(\d+):")
_TAIL = re.compile(r"((?:\s+refs=[\d,]+|\s+cb|\s+async_cb)+)\s*\Z")
_BYTES = re.compile(r"[?m0dif]{8}\Z")
_NARROW = tuple(re.compile(rf"([?m0]{{{n}}})(?!0\d|x)(?=\S)") for n in (7, 6, 4))
"""What stands before the spill of 1, 2 or 4 bytes; a number has no leading zeros."""


class StateText(NamedTuple):
    """A state's text taken apart, registers and slots by number, still unread.

    ``other`` is what else it says: references held, callbacks.
    """

    frame: int
    regs: dict[int, str]
    slots: dict[int, str]
    other: str = ""


def split_state(text: str) -> StateText:
    """The parts of one printed frame; raises `Unreadable` if there is more in it.

    >>> split_state(" frame1: R1_w=fp[0]-8 R10=fp0 fp-8=mmmm????").slots
    {0: 'mmmm????'}
    """
    head = _FRAME.match(text)
    frame, body = (int(head[1]), text[head.end() :]) if head else (0, text)
    tail = _TAIL.search(body)
    other = tail[1].strip() if tail else ""
    body = body[: tail.start()] if tail else body
    items = list(_ITEM.finditer(body))
    if body[: items[0].start() if items else None].strip():
        raise Unreadable(text)
    regs: dict[int, str] = {}
    slots: dict[int, str] = {}
    for item, after in zip(items, [*items[1:], None], strict=False):
        value = body[item.end() : after.start() if after else None].strip()
        if item[1] is not None:
            regs[int(item[1])] = value
        else:
            slots[int(item[2]) // SLOT_SIZE - 1] = value
    return StateText(frame, regs, slots, other)


def read_slot(reader: Reader, text: str, frame: int, hint: Slot) -> Slot:
    """A stack slot from what follows ``fp-8=``.

    ``hint`` is the slot as the store that wrote it lets expect it; Linux 6.1 prints of a
    spilled register little more than that it is one.  Raises `Unreadable` or `Unmodelled`.
    """
    if _BYTES.match(text):
        if set(text) & set("dif"):
            raise Unmodelled("dynptrs, iterators or flags on the stack")
        return Slot(text)
    spilled = hint.spill or NOT_INIT
    if reader.dialect is Dialect.OLD:
        return _read_old(reader, text, frame, hint)
    if text.startswith(("dynptr_", "iter_", "irq_flag", "res_spin_lock")):
        raise Unmodelled(f"{text.partition('(')[0]} on the stack")
    narrow = next(filter(None, (pattern.match(text) for pattern in _NARROW)), None)
    kinds = narrow[1] if narrow else ""
    printed = reader.reg(text[len(kinds) :], frame, spilled)
    return Slot(kinds + SPILL * (SLOT_SIZE - len(kinds)), printed.reg)


def _read_old(reader: Reader, text: str, frame: int, hint: Slot) -> Slot:
    """Linux 6.1: a constant, the name of a type, or nothing at all for any other number."""
    spilled = hint.spill or NOT_INIT
    whole = hint.kinds if hint.spill is not None else SPILL * SLOT_SIZE
    if text in ("", "P"):
        known = spilled.type is RegType.SCALAR_VALUE
        return Slot(whole, spilled if known else Reg(RegType.SCALAR_VALUE))
    return Slot(whole, reader.reg(text, frame, spilled).reg)
