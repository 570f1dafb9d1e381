"""One instruction of a program that still grows: from a state to the states after it.

These are the verifier's own steps, of the paper's walk and of Linux'.  What only a whole
program has (liveness, depths of stacks, which values have mattered) is not there yet: all
registers count as live, and nothing is noted for pruning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bpfsmt.cfg import build_cfg
from bpfsmt.domain import State
from bpfsmt.isa import AluOp, Class, Instruction, JmpOp
from bpfsmt.program.program import MapDef, Program, ProgramType, Signature
from bpfsmt.rules import RuleSet
from bpfsmt.verifier.env import Env as PaperEnv
from bpfsmt.verifier.linux.env import Env as LinuxEnv
from bpfsmt.verifier.linux.log import Log
from bpfsmt.verifier.linux.path import Path
from bpfsmt.verifier.linux.step import step as linux_step
from bpfsmt.verifier.linux.step.calls import start as start_of
from bpfsmt.verifier.linux.walk import Step, Walk
from bpfsmt.verifier.step import step as paper_step

FUNCTION = 2048
"""Functions begin at multiples of this until the program is finished."""

Code = Mapping[int, Instruction]
"""The instructions that are there, by pc."""

Way = tuple[State, int]
"""A state, and the pc that it comes to."""


class Ways(Protocol):
    """Where an instruction leads.  Raises `Rejection` where the verifier would reject."""

    def start(self) -> State:
        """The state at the beginning of the program."""
        ...

    def entry(self, function: int) -> State:
        """The state at the beginning of a function that is verified by itself."""
        ...

    def of(self, state: State, pc: int) -> list[Way]:
        """All ways on from the instruction at ``pc``, the one that falls through first."""
        ...

    def forget(self, pc: int) -> None:
        """The instruction at ``pc`` is taken back."""
        ...


def ways(
    rules: RuleSet,
    kind: ProgramType,
    maps: tuple[MapDef, ...],
    code: Code,
    signatures: Mapping[int, Signature],
) -> Ways:
    """The steps of the walk that the rule set is for, over code that may still grow."""
    slots = (_instruction(Class.ALU64 | AluOp.MOV), _EXIT)
    stub = Program("stub", kind, slots, maps, signatures=signatures)
    if rules.policy.walk == "linux":
        return _Linux(_Growing(stub, rules, code), code)
    return _Paper(stub, rules, code)


class _AllLive(dict[int, int]):
    """Liveness before the program is whole: anything may be read later."""

    def __missing__(self, pc: int) -> int:
        return (1 << 11) - 1


class _Paper:
    def __init__(self, stub: Program, rules: RuleSet, code: Code) -> None:
        self.env, self.code = _Env(build_cfg(stub), rules), code
        self.env.live = _AllLive()

    def start(self) -> State:
        return self.env.start()

    def entry(self, function: int) -> State:
        raise NotImplementedError("this walk knows no such functions")

    def of(self, state: State, pc: int) -> list[Way]:
        arms = paper_step(self.env, state, pc, self.code[pc])
        return [(arm.state, arm.pc) for arm in arms if arm.state is not None]

    def forget(self, pc: int) -> None:
        pass


class _Env(PaperEnv):
    def note_stack(self, state: State, frame: int, address: int) -> None:
        """How deep stacks are is for the whole program."""


class _Growing(LinuxEnv):
    """Functions are where the code has them by now."""

    def __init__(self, program: Program, rules: RuleSet, code: Code) -> None:
        super().__init__(program, rules)
        self.code = code

    def changes_packet(self, start: int) -> bool:
        """Whether a function, or one that it calls, makes packet pointers stale."""
        return any(self._change(pc) for pc in self.code if start <= pc < start + FUNCTION)


class _Linux(Walk):
    """A walk of one instruction at a time."""

    def __init__(self, env: LinuxEnv, code: Code) -> None:
        super().__init__(env, Log(wanted=False), record=False)
        self.code = code
        self._known: dict[int, tuple[Instruction, Step]] = {}
        env.slots = code  # type: ignore[assignment]
        env.live = _AllLive()  # type: ignore[assignment]

    def start(self) -> State:
        return start_of(self, 0)

    def entry(self, function: int) -> State:
        return start_of(self, function)

    def of(self, state: State, pc: int) -> list[Way]:
        self.path, self.pending = Path(state, pc), []
        target = self._looked_up(pc)(self)
        arms = [(arm.state, arm.pc) for arm in self.pending]
        return arms if target is None else [(self.path.state, target), *arms]

    def _looked_up(self, pc: int) -> Step:
        """What the instruction does, as long as it is the same."""
        insn = self.code[pc]
        known = self._known.get(pc)
        if known is None or known[0] is not insn:
            known = self._known[pc] = insn, linux_step(self.env, pc)
        return known[1]

    def forget(self, pc: int) -> None:
        self._types.pop(pc, None)

    def precise(self, number: int) -> None:
        """Nothing is pruned here."""

    def precise_slot(self, frame: int, number: int) -> None:
        """Nothing is pruned here."""

    def note_past(self, *_: object, **__: object) -> None:
        """Nothing is walked back here."""

    def note_depth(self, frame: int, off: int) -> None:
        """How deep stacks are is for the whole program."""


def _instruction(opcode: int) -> Instruction:
    return Instruction(opcode)


_EXIT = Instruction(Class.JMP | JmpOp.EXIT)
