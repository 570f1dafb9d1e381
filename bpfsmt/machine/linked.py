"""A program in an environment: which maps its numbers mean, and where they are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bpfsmt.errors import UnsupportedError
from bpfsmt.machine.code import Code
from bpfsmt.machine.maps.array import ArrayState
from bpfsmt.machine.maps.base import MapState, Value
from bpfsmt.machine.memory import CHUNK_BITS, Region

if TYPE_CHECKING:
    from bpfsmt.machine.env import Environment


class Linked:
    """The maps of ``code``'s program in ``env``, made where they are not there yet.

    A map of a type that is not modelled does no harm unless the program uses it.  Raises
    `BpfsmtError` for a map that is not what the environment has under its name.
    ``handles`` are the regions of the maps themselves, by the upper half of the address;
    ``names`` what the program's translation needs, once it was linked.
    """

    def __init__(self, code: Code, env: Environment) -> None:
        self.code = code
        self.program = code.program
        self.env = env
        self.handles: dict[int, Region] = {}
        self.names: dict[str, Any] | None = None
        self._states: dict[int, MapState] = {}
        self._numbers: dict[MapState, int] = {}
        for number in range(len(self.program.maps)):
            with suppress(UnsupportedError):
                self.handle(number)

    def state(self, number: int) -> MapState:
        """Map ``number`` of the program.

        Raises `UnsupportedError` for a type that is not modelled, or if there is no such map
        (in raw bytes, where the number is a descriptor of some process).
        """
        state = self._states.get(number)
        if state is None:
            if not 0 <= number < len(self.program.maps):
                raise UnsupportedError(f"map {number} is not defined by the program")
            state = self.env.state_of(self.program.maps[number])
            self._states[number] = state
            self._numbers[state] = number
        return state

    def number(self, state: MapState) -> int:
        """Which of the program's maps this is; -1 for none (a map inside a map)."""
        return self._numbers.get(state, -1)

    def address(self, state: MapState) -> int:
        """The address that stands for a map, which only helpers can use."""
        address = self.env.handle_of(state)
        if address >> CHUNK_BITS not in self.handles:
            name, number = f"map {state.definition.name}", self.number(state)
            region = Region("map", address, bytearray(), name=name, index=number)
            self.handles[address >> CHUNK_BITS] = region
        return address

    def handle(self, number: int) -> int:
        """The address that stands for map ``number``."""
        return self.address(self.state(number))

    def direct(self, number: int) -> Value:
        """The value of an array with one entry, whose address is a constant."""
        state = self.state(number)
        value = state.lookup(bytes(4)) if isinstance(state, ArrayState) else None
        if value is None:
            raise UnsupportedError(f"map {state.definition.name} has no value 0")
        return value
