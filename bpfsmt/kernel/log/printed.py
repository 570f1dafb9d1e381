"""Putting what is printed into the state that was carried along.

Whatever is printed counts.  Where it is not what was carried, and the last instruction
cannot have changed it, something changed before without a line saying so: a *surprise*,
which is noted, and corrects what was claimed since.
"""

from __future__ import annotations

from collections.abc import Mapping

from bpfsmt.cfg import writes
from bpfsmt.domain.order import Place
from bpfsmt.domain.reg import ADDED, NOT_INIT, Reg, RegType
from bpfsmt.domain.state import EMPTY_SLOT, SLOT_SIZE, Slot, State
from bpfsmt.isa.opcodes import AluOp, Class
from bpfsmt.kernel.log.carry import is_conditional, learned, read_later
from bpfsmt.kernel.log.claims import Claims, Here, get, put
from bpfsmt.kernel.log.guess import compared, computed
from bpfsmt.kernel.log.regs import Reader
from bpfsmt.kernel.log.rules import Rules
from bpfsmt.kernel.log.states import StateText, read_slot


class Astray(Exception):
    """A line that does not fit where the walk stands; the argument says why."""


class Printed:
    """Reads states into the place where the walk stands.

    ``live`` has the registers that are live at each pc, as far as the log says.
    """

    def __init__(
        self, claims: Claims, reader: Reader, rules: Rules, live: Mapping[int, int]
    ) -> None:
        self.claims, self.reader, self.rules, self.live = claims, reader, rules, live
        self.surprises: list[str] = []

    def changed(self, here: Here, text: StateText) -> None:
        """Registers and slots as they are behind the last instruction."""
        here.printed = True
        if text.frame >= len(here.state.frames):
            raise Astray(f"there is no frame {text.frame} here")
        self._held(here, text)
        operands = self.operands(here) if text.frame == len(here.state.frames) - 1 else ()
        before = here.state
        for n in operands:
            if n in text.regs:
                self._put_reg(here, text.frame, n, text.regs[n])
                self._learn(here, before.regs[n], here.state.regs[n])
        for n, said in text.regs.items():
            if n not in operands:
                self._put_reg(here, text.frame, n, said)
        for n, said in text.slots.items():
            place = text.frame, f"fp-{SLOT_SIZE * (n + 1)}"
            hint = get(here.state, place)
            assert isinstance(hint, Slot)
            self._put(here, place, read_slot(self.reader, said, text.frame, hint))

    def whole(self, here: Here, text: StateText) -> None:
        """All of one frame: what is not said holds nothing."""
        self.changed(here, text)
        frame = here.state.frames[text.frame]
        for n, reg in enumerate(frame.regs):
            if n not in text.regs and reg.type is not RegType.NOT_INIT:
                here.state = put(here.state, (text.frame, f"R{n}"), NOT_INIT)
        for n, slot in frame.stack.items():
            if n not in text.slots and slot != EMPTY_SLOT:
                place = text.frame, f"fp-{SLOT_SIZE * (n + 1)}"
                here.state = put(here.state, place, EMPTY_SLOT)

    def guess(self, here: Here, kind: str) -> None:
        """Put in what the last instruction did, where no line says it."""
        if here.src < 0:
            return
        insn, before = self.claims.insn(here.src), self.claims.visits[here.src].state
        if insn.is_alu:
            number = computed(self.rules, insn, before)
            if number is not None:
                here.state = here.state.with_reg(insn.dst, number)
        elif is_conditional(insn):
            both = compared(self.rules, insn, before, taken=kind == "taken")
            for n, scalar in zip(self.operands(here), both or (), strict=False):
                old = here.state.regs[n]
                new = old._replace(scalar=scalar)
                here.state = here.state.with_reg(n, new)
                self._learn(here, old, new)

    def operands(self, here: Here) -> tuple[int, ...]:
        """The registers that the last instruction, a conditional jump, compares."""
        if here.src < 0:
            return ()
        last = self.claims.insn(here.src)
        if not is_conditional(last):
            return ()
        return (last.dst, last.src) if last.uses_reg else (last.dst,)

    def _held(self, here: Here, text: StateText) -> None:
        """References that are held."""
        said = [word for word in text.other.split() if word.startswith("refs=")]
        refs = tuple(int(id_) for word in said for id_ in word[5:].split(","))
        here.state = here.state._replace(refs=refs)

    def _learn(self, here: Here, old: Reg, new: Reg) -> None:
        live = read_later(self.live, here.state, self.claims.visits[here.src].pc)
        here.state = learned(here.state, old, new, live, self.rules)

    def _put_reg(self, here: Here, frame: int, n: int, said: str) -> None:
        hint = here.state.frames[frame].regs[n]
        self._put(here, (frame, f"R{n}"), self.reader.reg(said, frame, hint).reg)

    def _put(self, here: Here, place: Place, new: Reg | Slot) -> None:
        old = get(here.state, place)
        if old == new:
            return
        if here.src >= 0 and not self._may_change(here.src, here.state, place):
            at = self.claims.visits[here.src].pc
            said = f"{place[1]} of frame {place[0]} was {old}, is {new}"
            self.surprises.append(f"{at}: {said}")
            self.claims.correct(here.src, place, old, new)
        here.state = put(here.state, place, new)

    def _may_change(self, visit: int, state: State, place: Place) -> bool:
        """Whether the instruction of a visit changes this place and the log says so."""
        insn = self.claims.insn(visit)
        frame, name = place
        if name[0] != "R":
            return insn.cls in (Class.ST, Class.STX) or insn.is_call
        top = frame == len(state.frames) - 1
        number = int(name[1:])
        if is_conditional(insn):
            operands = (insn.dst, insn.src) if insn.uses_reg else (insn.dst,)
            before = self.claims.visits[visit].state
            ids = {before.regs[n].id & ~ADDED for n in operands} - {0}
            linked = state.frames[frame].regs[number].id & ~ADDED in ids
            return linked or (top and number in operands)
        copied = insn.is_alu and insn.alu_op is AluOp.MOV and insn.uses_reg
        gets_id = (copied or insn.cls is Class.STX) and number == insn.src
        return top and bool(writes(insn) >> number & 1 or gets_id)
