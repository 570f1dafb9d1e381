"""Runs translated programs: the fast way, with the interpreter's results."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.helper_ids import HELPER_NAMES
from bpfsmt.machine.code import code_of
from bpfsmt.machine.env import Environment
from bpfsmt.machine.linked import Linked
from bpfsmt.machine.machine import JUNK, Machine
from bpfsmt.machine.memory import Region
from bpfsmt.machine.translate.emit import HelperKinds
from bpfsmt.machine.translate.module import MAIN, Module
from bpfsmt.program.program import Program

if TYPE_CHECKING:
    from bpfsmt.machine.code import Code

_CALL_BACK = frozenset({"bpf_loop", "bpf_for_each_map_elem"})
_MOVE = frozenset(
    f"bpf_{name}"
    for name in (
        "xdp_adjust_head", "xdp_adjust_tail", "xdp_adjust_meta", "skb_change_head",
        "skb_change_tail", "skb_change_proto", "skb_adjust_room", "skb_vlan_push",
        "skb_vlan_pop",
    )
)  # fmt: skip


def can_translate(link: Linked) -> bool:
    """Whether the environment leaves calls and loads to the helpers, one by one, and has
    all the maps that the program names."""
    kind = type(link.env)
    if kind.call is not Environment.call or kind.load_value is not Environment.load_value:
        return False
    try:
        names_of(link)
    except UnsupportedError:
        return False
    return True


_kinds: dict[type[Environment], HelperKinds] = {}


def helper_kinds(environment: type[Environment]) -> HelperKinds:
    """Which helpers are known not to run functions, and which of them move no packet."""
    found = _kinds.get(environment)
    if found is None:
        found = _kinds[environment] = _sorted_helpers(environment)
    return found


def _sorted_helpers(environment: type[Environment]) -> HelperKinds:
    stock = {
        number: name
        for number, name in HELPER_NAMES.items()
        if name not in _CALL_BACK
        and getattr(environment, name, None) is getattr(Environment, name, None)
        and hasattr(Environment, name)
    }
    moving = frozenset(number for number, name in stock.items() if name in _MOVE)
    arity = {number: _arity(getattr(Environment, name)) for number, name in stock.items()}
    return HelperKinds(frozenset(stock) - moving, moving, arity)


def _arity(helper: Callable[..., int]) -> int:
    """How many arguments a helper looks at, besides environment and machine."""
    names = list(inspect.signature(helper).parameters.values())[2:]
    if names and names[-1].kind is inspect.Parameter.VAR_POSITIONAL and names[-1].name == "_":
        return len(names) - 1
    return 5


def module_of(code: Code, environment: type[Environment]) -> Module:
    """The program's translation, made once for each class of environments."""
    module = code.modules.get(environment)
    if module is None:
        module = code.modules[environment] = Module(code, helper_kinds(environment))
    return module


def names_of(link: Linked) -> dict[str, Any]:
    """The translated functions, linked with the maps."""
    if link.names is None:
        link.names = module_of(link.code, type(link.env)).link(link)
    return link.names


class Translated:
    """The engine of one run."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.engine = self

    def run(self) -> int:
        """The main function's R0; raises `Fault`, `BudgetSpent`, `UnsupportedError`."""
        machine = self.machine
        main = names_of(machine.link)[MAIN]
        stack = machine.push_stack()
        r0: int = main(machine, stack, machine.ctx.base, *JUNK[2:6])
        machine.pop_stack(stack)
        return r0

    def call(self, entry: int, args: tuple[int, ...]) -> int:
        """A callback, in a frame on top of the caller's: its R0."""
        names = self.machine.link.names
        assert names is not None
        r0: int = names["invoke"](
            self.machine, names[f"f{entry}"], *args, *JUNK[1 + len(args) : 6]
        )  # fmt: skip
        return r0

    def chain(self, program: Program, stack: Region) -> int:
        """On to another program in the present frame: its R0."""
        machine = self.machine
        machine.use(machine.env.link(code_of(program)), machine.depth - 1)
        main = names_of(machine.link)[MAIN]
        r0: int = main(machine, stack, machine.ctx.base, *JUNK[2:6])
        return r0


def place_of(traceback: TracebackType | None) -> tuple[int, int] | None:
    """The pc where translated code raised an error, and how many instructions had run.

    The line that was running says which instruction; nothing is counted for that while
    the program runs.
    """
    found = None
    while traceback is not None:
        frame = traceback.tb_frame
        table = frame.f_globals.get("TABLE")
        if table is not None and frame.f_code.co_filename.startswith("<bpf "):
            pc, count = table[traceback.tb_lineno]
            found = pc, frame.f_locals.get("n", 0) + count
        traceback = traceback.tb_next
    return found
