"""Run a program on one input."""

from __future__ import annotations

from typing import Literal, TypeAlias

from bpfsmt.errors import UnsupportedError
from bpfsmt.machine.code import Code, code_of
from bpfsmt.machine.env import Environment
from bpfsmt.machine.inputs import Inputs, Result
from bpfsmt.machine.interpreter import Interpreter
from bpfsmt.machine.machine import BudgetSpent, Machine
from bpfsmt.machine.memory import Fault
from bpfsmt.machine.trace import Trace
from bpfsmt.machine.translate.engine import Translated, can_translate, place_of
from bpfsmt.program.program import Program

_WORTHWHILE = 100

EngineName: TypeAlias = Literal["auto", "interpret", "translate"]


def run(
    program: Program | Code,
    inputs: Inputs,
    env: Environment | None = None,
    *,
    budget: int = 1_000_000,
    trace: bool = False,
    seed: int = 0,
    engine: EngineName = "auto",
) -> Result:
    """Run a program on one input.

    ``budget`` is how many instructions may run.  ``seed`` chooses what the stack holds
    before it is written.  With ``trace``, the result holds every step of this program (not
    of those that it tail-calls).

    ``engine`` is "interpret" (one instruction after the other, the reference) or "translate"
    (the program as Python code, ten times as fast once it is made).  "auto" translates a
    program when it has run so many instructions that this pays.  A trace is always
    interpreted, and so is all in an environment that answers every call or load itself.
    Both engines give the same result, except that a run that exceeds its budget may have
    had the effects of some instructions more in "translate".

    Raises `BpfsmtError` for inputs that do not fit the program.

    >>> from bpfsmt.program import load_asm
    >>> program = load_asm("r0 = *(u32 *)(r1 + 12)\\nr0 += 1\\nexit", "example")
    >>> run(program, Inputs(b"packet", {"ingress_ifindex": 41})).r0
    42
    """
    code = program if isinstance(program, Code) else code_of(program)
    env = Environment() if env is None else env
    link = env.link(code)
    machine = Machine(link, inputs, env, budget, seed)
    translates = engine == "translate" or (engine == "auto" and _pays(code))
    if translates and not trace and can_translate(machine.link):
        return _translated(machine)
    recorded = Trace(machine.memory, machine.ctx.base) if trace else None
    result = _interpreted(machine, recorded)
    code.interpreted += result.steps
    if recorded is not None:
        recorded.memory = machine.memory.snapshot()
        recorded.memory.handles = link.handles  # a tail call goes over to those of another
        result.trace = recorded
    return result


def _pays(code: Code) -> bool:
    """A slot takes about as long to translate as 160 instructions to be interpreted."""
    return code.interpreted > _WORTHWHILE * len(code.program)


def _interpreted(machine: Machine, trace: Trace | None) -> Result:
    try:
        return machine.result("exit", r0=Interpreter(machine, trace).run())
    except Fault as fault:
        return machine.result("fault", fault=fault)
    except BudgetSpent:
        return machine.result("budget")
    except UnsupportedError as error:
        return machine.result("unsupported", why=str(error))


def _translated(machine: Machine) -> Result:
    try:
        result = machine.result("exit", r0=Translated(machine).run())
    except Fault as fault:
        place = place_of(fault.__traceback__)
        if place is not None:
            machine.steps = place[1]
            fault.pc = place[0] if fault.pc < 0 else fault.pc
        fault.__traceback__ = None
        result = machine.result("fault", fault=fault)
    except BudgetSpent:
        result = machine.result("budget")
    except UnsupportedError as error:
        place = place_of(error.__traceback__)
        machine.steps = machine.steps if place is None else place[1]
        result = machine.result("unsupported", why=str(error))
    if machine.steps > machine.budget:
        machine.steps = machine.budget
        return machine.result("budget")
    return result
