"""Run a program on one input."""

from __future__ import annotations

from bpfsmt.errors import UnsupportedError
from bpfsmt.machine.code import Code, code_of
from bpfsmt.machine.env import Environment
from bpfsmt.machine.inputs import Inputs, Result
from bpfsmt.machine.interpreter import Interpreter
from bpfsmt.machine.machine import BudgetSpent, Machine
from bpfsmt.machine.memory import Fault
from bpfsmt.machine.trace import Trace
from bpfsmt.program.program import Program


def run(
    program: Program | Code,
    inputs: Inputs,
    env: Environment | None = None,
    *,
    budget: int = 1_000_000,
    trace: bool = False,
    seed: int = 0,
) -> Result:
    """Run a program on one input.

    ``budget`` is how many instructions may run.  ``seed`` chooses what the stack holds
    before it is written.  With ``trace``, the result holds every step of this program (not
    of those that it tail-calls).  Raises `BpfsmtError` for inputs that do not fit the
    program.

    >>> from bpfsmt.program import load_asm
    >>> program = load_asm("r0 = *(u32 *)(r1 + 12)\\nr0 += 1\\nexit", "example")
    >>> run(program, Inputs(b"packet", {"ingress_ifindex": 41})).r0
    42
    """
    code = program if isinstance(program, Code) else code_of(program)
    env = Environment() if env is None else env
    link = env.link(code)
    machine = Machine(link, inputs, env, seed)
    recorded = Trace(machine.memory, machine.ctx.base) if trace else None
    engine = Interpreter(machine, budget, recorded)
    try:
        result = machine.result("exit", r0=engine.run())
    except Fault as fault:
        result = machine.result("fault", fault=fault)
    except BudgetSpent:
        result = machine.result("budget")
    except UnsupportedError as error:
        result = machine.result("unsupported", why=str(error))
    if recorded is not None:
        recorded.memory = machine.memory.snapshot()
        recorded.memory.handles = link.handles  # a tail call goes over to those of another
        result.trace = recorded
    return result
