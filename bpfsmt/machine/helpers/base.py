"""What surrounds programs and lives on from run to run: maps, clock, devices, output."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine.linked import Linked
from bpfsmt.machine.maps import MapState, UserMap, new_state
from bpfsmt.machine.memory import CHUNK_BITS, FIRST_HANDLE, INSIDE
from bpfsmt.machine.routes import Routes
from bpfsmt.program.program import MapDef, Program
from bpfsmt.semantics.loops import MAY_GOTO_ROUNDS

if TYPE_CHECKING:
    from bpfsmt.machine.code import Code
    from bpfsmt.machine.env import Environment

Args: TypeAlias = tuple[int, int, int, int, int]
"""R1..R5 as a helper gets them."""

U32 = 0xFFFFFFFF
U64 = 0xFFFFFFFFFFFFFFFF


class Printed(NamedTuple):
    """A line that ``bpf_trace_printk`` printed: by which program, when (ns), and the text."""

    program: str
    time: int
    text: str


class Host:
    """The state of an `Environment`, the only class of which there are objects; its helpers
    are in the classes between."""

    def __init__(
        self,
        *,
        cpu: int = 0,
        cpus: int | None = None,
        seed: int = 0,
        time: int = 1_000_000_000,
        programs: Mapping[tuple[str, int], Program] | None = None,
        pins: MutableMapping[str, MapState] | None = None,
        routes: Routes | None = None,
        process: tuple[int, int] = (1, 1),
        user: tuple[int, int] = (0, 0),
        comm: str = "bpfsmt",
        user_memory: Mapping[int, bytes] | None = None,
        rounds: int = MAY_GOTO_ROUNDS,
    ) -> None:
        self.cpu = cpu
        self.cpus = cpu + 1 if cpus is None else cpus
        if not 0 <= cpu < self.cpus:
            raise BpfsmtError(f"no CPU {cpu}: the environment has {self.cpus}")
        self.time = time
        self.programs = dict(programs or {})
        self.maps: dict[str, MapState] = {}
        self.pins: MutableMapping[str, MapState] = {} if pins is None else pins
        self.routes = Routes() if routes is None else routes
        self.process, self.user, self.comm = process, user, comm
        self.user_memory = dict(user_memory or {})
        self.rounds = rounds
        self.printed: list[Printed] = []
        self.random = random.Random(seed)
        self.socket_cookie = 1
        self._handles: dict[MapState, int] = {}
        self._known: dict[int, MapState] = {}
        self._links: dict[Code, Linked] = {}

    # Maps ------------------------------------------------------------------------------

    def state_of(self, definition: MapDef) -> MapState:
        """The map of that name, made if it is not there yet (or taken from ``pins``).

        Raises `BpfsmtError` if there is one with another definition, `UnsupportedError`
        for a type that is not modelled.
        """
        state = self.maps.get(definition.name)
        if state is None:
            state = self.pins.get(definition.name)
            if state is None:
                state = new_state(definition, self.cpus)
            self.maps[definition.name] = state
        if state.definition != definition:
            raise BpfsmtError(f"two different maps are called {definition.name}")
        return state

    def map(self, which: str | MapDef) -> UserMap:
        """A map in the hands of user space, by name or definition (which makes it).

        Raises `BpfsmtError` for a name that no map has yet: `load` makes a program's maps.
        """
        if isinstance(which, MapDef):
            return UserMap(self.state_of(which))
        state = self.maps.get(which, self.pins.get(which))
        if state is None:
            known = ", ".join(sorted({*self.maps, *self.pins})) or "none"
            raise BpfsmtError(f"no map {which!r} (there are: {known})")
        return UserMap(state)

    def load(self, *programs: Program) -> None:
        """Make the maps of programs, as loading them into a kernel does.

        Raises what `state_of` raises.
        """
        for definition in (d for program in programs for d in program.maps):
            self.state_of(definition)

    def pin(self, name: str) -> None:
        """Leave a map in ``pins``, where environments that are given them find it by name."""
        self.pins[name] = self.map(name).state

    def user_maps(self) -> Iterable[UserMap]:
        """All maps, by name."""
        return [UserMap(self.maps[name]) for name in sorted(self.maps)]

    # Programs --------------------------------------------------------------------------

    def link(self, code: Code) -> Linked:
        """A program with the maps of this environment."""
        found = self._links.get(code)
        if found is None:
            found = self._links[code] = Linked(code, cast("Environment", self))
        return found

    def handle_of(self, state: MapState) -> int:
        """The address that stands for a map in this environment."""
        address = self._handles.get(state)
        if address is None:
            chunk = FIRST_HANDLE + len(self._handles)
            address = self._handles[state] = (chunk << CHUNK_BITS) | INSIDE
            self._known[address] = state
        return address

    def state_at(self, address: int) -> MapState | None:
        """The map that an address stands for."""
        return self._known.get(address)


def as_int(word: int) -> int:
    """An argument that the helper takes as C's int."""
    return ((word & U32) ^ 0x80000000) - 0x80000000
