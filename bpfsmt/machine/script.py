"""An environment that follows a script: the one that a solver's model describes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bpfsmt.isa.helper_ids import HELPER_IDS
from bpfsmt.machine.env import Environment
from bpfsmt.machine.helpers.base import Args, as_int
from bpfsmt.machine.maps import Value
from bpfsmt.machine.memory import Region
from bpfsmt.machine.tailcall import TailCall
from bpfsmt.program.asm_text import load_asm
from bpfsmt.program.program import Program
from bpfsmt.semantics.helpers import HELPERS, Arg

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine


class ScriptEvent(Protocol):
    """One decision of the environment; `Event` says what the parts mean."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def pc(self) -> int: ...  # noqa: D102
    @property
    def value(self) -> int | None: ...  # noqa: D102
    @property
    def out(self) -> bytes: ...  # noqa: D102
    @property
    def packet(self) -> tuple[int, int, int] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Event:
    """One decision, at the instruction ``pc``.

    ``kind`` is "call", "load", "program" or "rounds".  Of a call, ``value`` is R0 (unsigned or
    signed), and `None` for the address of a fresh map value; ``out`` are bytes that it writes to
    its output argument, or the fresh value's content.  ``bpf_xdp_adjust_*`` moves the packet by the
    argument if the value is 0 and fails otherwise, whatever room a kernel would have.  Of a
    load from a map's value, ``value`` is what was there: another CPU may have written it.
    ``packet`` are new marks besides: distances of data_meta, data and data_end from where
    the packet began at the program's start.  "program" says that a tail call succeeds: the
    other program moves the marks and returns ``value``.  "rounds", which comes first, says
    how often the ``may_goto`` of a function go on.
    """

    kind: str
    pc: int
    value: int | None = 0
    out: bytes = b""
    packet: tuple[int, int, int] | None = None


_RESERVE = HELPER_IDS["bpf_ringbuf_reserve"]
_ADJUST = {HELPER_IDS[f"bpf_xdp_adjust_{part}"]: part for part in ("head", "meta", "tail")}


class ScriptedEnvironment(Environment):
    """Takes its decisions from ``events``, in order.

    A call or load that the next event is not about (by kind and pc), and all that come when
    the script has run out, get what `Environment` does.  A run that follows its script to
    the end leaves nothing in ``left``.
    """

    def __init__(self, events: Iterable[ScriptEvent], *, cpu: int = 0, seed: int = 0) -> None:
        super().__init__(cpu=cpu, seed=seed)
        self.left: list[ScriptEvent] = list(events)
        if self.left and self.left[0].kind == "rounds":
            self.rounds = self.left.pop(0).value or 0

    def _next(self, kind: str, pc: int) -> ScriptEvent | None:
        if self.left and self.left[0].kind == kind and self.left[0].pc == pc:
            return self.left.pop(0)
        return None

    def load_value(self, machine: Machine, pc: int, region: Region, size: int, value: int) -> int:
        """What the script says; the memory stays as it is."""
        event = self._next("load", pc)
        if event is None or event.value is None:
            return value
        return event.value & ((1 << 8 * size) - 1)

    def call(self, machine: Machine, number: int, args: Args) -> int:
        """What the script says of this call, else what an `Environment` does."""
        event = self._next("call", machine.pc) or self._next("program", machine.pc)
        if event is None:
            return super().call(machine, number, args)
        if event.packet is not None:
            machine.packet.force(*event.packet)
        elif number in _ADJUST and event.value == 0:
            _move(machine, _ADJUST[number], as_int(args[1]))
        if event.value is None and number == _RESERVE:
            return super().call(machine, number, args)
        if event.value is None:
            return _fresh_value(machine, args[0], event.out)
        if event.kind == "program":
            raise TailCall(_returning(machine.program, event.value))
        target = _output_argument(number)
        if event.out and target is not None:
            machine.memory.write(args[target], event.out)
        return event.value


def _returning(program: Program, value: int) -> Program:
    """A program of the same type that returns this number."""
    return load_asm(f"r0 = {value} ll\nexit", "another", type=program.type)


def _move(machine: Machine, part: str, delta: int) -> None:
    """Move a mark of the packet, although a kernel might not have the room."""
    meta, data, end = machine.packet.marks
    if part == "head":
        machine.packet.force(meta + delta, data + delta, end)
    elif part == "meta":
        machine.packet.force(meta + delta, data, end)
    else:
        machine.packet.force(meta, data, end + delta)


def _fresh_value(machine: Machine, handle: int, content: bytes) -> int:
    """The address of a value that no other lookup gave: zeros behind ``content``."""
    state = machine.map_state(handle)
    size = state.definition.value_size
    return machine.value_address(state, Value(content[:size].ljust(size, b"\0")))


def _output_argument(number: int) -> int | None:
    """Which argument of a helper names the memory that it fills."""
    helper = HELPERS.get(number)
    if helper is None or Arg.UNINIT_MEM not in helper.args:
        return None
    return helper.args.index(Arg.UNINIT_MEM)
