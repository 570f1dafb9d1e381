"""A whole program as Python source, compiled once, and linked with each environment's maps."""

from __future__ import annotations

from types import CodeType
from typing import TYPE_CHECKING, Any

from bpfsmt.isa.helper_ids import HELPER_NAMES
from bpfsmt.isa.opcodes import LdImm64Src
from bpfsmt.machine.translate.emit import HelperKinds
from bpfsmt.machine.translate.function import translate_function
from bpfsmt.machine.translate.runtime import NAMESPACE, lookup_in, unsupported
from bpfsmt.program.program import Program

if TYPE_CHECKING:
    from bpfsmt.machine.code import Code
    from bpfsmt.machine.env import Environment
    from bpfsmt.machine.linked import Linked

MAIN = "main"


class Module:
    """The functions of a program: ``source`` as text, ``table`` for each of its lines the pc
    of the instruction and how many have run since the last jump."""

    def __init__(self, code: Code, kinds: HelperKinds) -> None:
        program = self.program = code.program
        lines = translate_function(program, 0, MAIN, kinds, main=True)
        for entry in code.entries.values():
            lines += translate_function(program, entry, f"f{entry}", kinds, main=False)
        self.table = [(-1, 0), *((line.pc, line.steps) for line in lines)]
        self.source = "\n".join(" " * line.depth + line.text for line in lines) + "\n"
        self.code: CodeType = compile(self.source, f"<bpf {program.name}>", "exec")
        self.maps, self.helpers = _maps(program), _helpers(program)

    def link(self, linked: Linked) -> dict[str, Any]:
        """The names of the compiled functions and all that they use.

        Raises what `Linked.handle` raises for a map that cannot be had.
        """
        names: dict[str, Any] = {**NAMESPACE, "TABLE": self.table}
        for number in self.maps:
            names[f"H{number}"] = linked.handle(number)
            names[f"look{number}"] = lookup_in(linked, number)
        for helper in self.helpers:
            names[f"h{helper}"] = _helper(linked.env, helper)
        exec(self.code, names)
        return names


def _helper(env: Environment, number: int) -> Any:
    name = HELPER_NAMES.get(number, f"helper {number}")
    found = getattr(env, name, None) if number in HELPER_NAMES else None
    return (lambda *_: unsupported(name)) if found is None else found


def _maps(program: Program) -> list[int]:
    kinds = (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_BY_IDX)
    found = (i.imm for _, i in program.instructions() if i.is_ld_imm64 and i.src in kinds)
    return sorted(set(found))


def _helpers(program: Program) -> list[int]:
    called = {i.helper for _, i in program.instructions()}
    return sorted(h for h in called if h is not None)
