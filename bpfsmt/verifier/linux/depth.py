"""Whether the functions that may be active at once share 512 bytes of stack.

Kernel ``check_max_stack_depth``: every chain of calls in the program counts, walked or not.
"""

from __future__ import annotations

from bpfsmt.domain.state import STACK_SIZE
from bpfsmt.verifier.linux.env import Env
from bpfsmt.verifier.linux.flow import is_local_call
from bpfsmt.verifier.reasons import Rejection

MAX_FRAMES = 8
_UNIT_OF_JIT = 16
"""A function that uses no stack counts nothing where what it uses is rounded up to this."""

_BEFORE_TAIL_CALL = 256


def check_stack_depth(env: Env, used: dict[int, int], tail_calls: set[int]) -> None:
    """Reject a chain of calls that is too deep; ``used`` is by the functions' first slots."""
    starts = env.flow.starts
    calls: dict[int, list[int]] = {start: [] for start in starts}
    for pc, insn in env.program.instructions():
        if is_local_call(insn):
            caller = starts[env.flow.function(pc)]
            calls[caller].append(pc + 1 + insn.imm)
    unit = env.policy.stack_unit
    least = int(unit > _UNIT_OF_JIT)
    sizes = {start: -(-max(used.get(start, 0), least) // unit) * unit for start in starts}
    _descend(0, (), 0, calls, sizes, tail_calls)


def _descend(
    start: int,
    chain: tuple[int, ...],
    above: int,
    calls: dict[int, list[int]],
    sizes: dict[int, int],
    tail_calls: set[int],
) -> None:
    if start in tail_calls and above >= _BEFORE_TAIL_CALL:
        raise Rejection(
            "stack-depth",
            f"tail_calls are not allowed when call stack of previous frames is {above} bytes. "
            f"Too large",
            f"The function at {start} makes tail calls, and {above} bytes of stack are in use.",
            pc=start,
        )
    total, chain = above + sizes[start], (*chain, start)
    if total > STACK_SIZE:
        raise Rejection(
            "stack-depth",
            f"combined stack size of {len(chain)} calls is {total}. Too large",
            f"Functions active at once use {total} bytes of stack; {STACK_SIZE} are there.",
            pc=start,
        )
    if len(chain) > MAX_FRAMES:
        raise Rejection(
            "call-depth",
            f"the call stack of {len(chain)} frames is too deep !",
            f"At most {MAX_FRAMES} functions may be active at once.",
            pc=start,
        )
    for callee in dict.fromkeys(calls[start]):
        if callee in chain:
            raise Rejection(
                "recursion",
                f"recursive call from insn {start} to {callee}",
                f"The function at {callee} calls itself; that cannot be bounded.",
                pc=callee,
            )
        _descend(callee, chain, total, calls, sizes, tail_calls)
