"""The verifier of Linux 6.12: what it decides of a program, and every state it explores.

`walk` goes all ways in the kernel's order; `prune` ends a path where an explored state
stands for it, by what `precision` and `liveness` (before 6.15 `reads`) say has mattered; `subsume`
compares.  `fastcall` gives stack back.
`step` is what each instruction does.  Functions that are global are verified by
themselves, from their signatures.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from bpfsmt.domain import State
from bpfsmt.domain.analysis import Analysis, Outcome, Verdict
from bpfsmt.program.program import Program
from bpfsmt.rules import RuleSet
from bpfsmt.verifier.linux.claims import Alive, forget
from bpfsmt.verifier.linux.depth import check_stack_depth
from bpfsmt.verifier.linux.env import Env
from bpfsmt.verifier.linux.first import check_program, check_returns
from bpfsmt.verifier.linux.log import Log
from bpfsmt.verifier.linux.reads import frames_of
from bpfsmt.verifier.linux.step.calls import start
from bpfsmt.verifier.linux.walk import Walk
from bpfsmt.verifier.reasons import Rejection

NOT_MODELLED: dict[str, str] = {
    "kfuncs": "calls of functions of the kernel, and all that only they make: iterators, "
    "locks by kfunc, objects",
    "callbacks": "ld_imm64 of a function, bpf_loop, bpf_for_each_map_elem, bpf_timer",
    "dynptrs": "bpf_dynptr_from_mem and its kin",
    "BTF pointers": "pointers into the kernel's own structures, loads through a map's pointer",
    "kernel variables": "ld_imm64 of a variable of the kernel",
    "arenas": "memory shared with user space",
    "constant strings": "bpf_snprintf, bpf_strncmp",
    "unprivileged loads": "programs are verified as for a privileged user",
    "private stacks": "the stack of a tracing program counts together with its callers'",
}
"""What a verdict may say *unsupported* of, or is stricter about than the kernel."""


def verify_linux(
    program: Program,
    rules: RuleSet,
    *,
    log: bool = False,
    record: bool = True,
    forgetful: bool = True,
) -> Analysis:
    """Verify ``program`` as Linux does with these rules.

    ``record`` keeps the claims; without it memory does not grow with the walk.  Unless
    ``forgetful``, they are all that was known at each visit, as a kernel's log has it; then
    pruned edges need not hold (see `bpfsmt.verifier.linux.claims`).
    """
    with _no_collection():
        return _verify(program, rules, Log(wanted=log), record=record, forgetful=forgetful)


def _verify(
    program: Program, rules: RuleSet, lines: Log, *, record: bool, forgetful: bool
) -> Analysis:
    analysis = Analysis(program, rules.name, Verdict(Outcome.ACCEPT), log=lines.lines)
    try:
        check_program(program, rules.policy)
        env = Env(program, rules)
        check_returns(program, env.flow.starts)
    except Rejection as rejection:
        analysis.verdict = rejection.verdict(0)
        lines.rejected(rejection)
        return analysis
    walk = Walk(env, lines, record=record)
    analysis.visits, analysis.edges, analysis.dead = walk.visits, walk.edges, walk.dead
    try:
        _walk_all(env, walk)
    except Rejection as rejection:
        analysis.verdict = rejection.verdict(walk.pc)
        lines.rejected(rejection)
    analysis.walked, analysis.uninit_stack = walk.walked, True
    if record and forgetful:
        walk.explored.rounds.settle()
        forget(analysis, _alive(env, analysis), walk.needed)
    lines.finished(analysis.walked, rules.policy.max_walked)
    return analysis


def verify_from(program: Program, rules: RuleSet, state: State, pc: int) -> Analysis:
    """What a walk would know that begins at ``pc`` of the main program, in this state.

    The first pass is taken for done, and the stack's depth is not looked at.
    """
    lines = Log(wanted=False)
    analysis = Analysis(program, rules.name, Verdict(Outcome.ACCEPT))
    walk = Walk(Env(program, rules), lines)
    analysis.visits, analysis.edges, analysis.dead = walk.visits, walk.edges, walk.dead
    with _no_collection():
        try:
            walk.run(state, 0, pc)
        except Rejection as rejection:
            analysis.verdict = rejection.verdict(walk.pc)
    analysis.walked, analysis.uninit_stack = walk.walked, True
    return analysis


def _alive(env: Env, analysis: Analysis) -> Alive:
    """What is read from each visit on."""
    if env.reads is not None:
        read = env.reads.visits(analysis.visits, analysis.edges)
        return lambda visit: frames_of(read[visit.index], visit.state)
    return lambda visit: [
        (env.live[at], env.live_slots[at]) for at in (*visit.state.callsites, visit.pc)
    ]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python's collector of cycles waits: a walk makes none, and many objects to search."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _walk_all(env: Env, walk: Walk) -> None:
    """The program, then every global function that was called, then the stack's depth."""
    walk.run(start(walk, 0), 0)
    done = 0
    while done < len(walk.called):
        entry = walk.called[done]
        walk.run(start(walk, entry), entry)
        done += 1
    check_stack_depth(env, walk.fastcall.depths(walk.stack_depth), walk.tail_calls)


__all__ = ["NOT_MODELLED", "verify_from", "verify_linux"]
