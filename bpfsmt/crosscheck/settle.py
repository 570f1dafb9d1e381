"""Settling a rejection: was the program really unsafe?

*True*: here are inputs with which it goes wrong.  *False*: it is safe for all inputs, so
the verifier was too coarse (or the rule is about form).  Else unknown, with the reason.
"""

from __future__ import annotations

from typing import Any

import networkx as nx
import z3

from bpfsmt.cfg import build_cfg
from bpfsmt.crosscheck.finding import Finding, Status
from bpfsmt.crosscheck.witness import Witness, witness_of
from bpfsmt.errors import BpfsmtError
from bpfsmt.program.program import Program
from bpfsmt.prover import Proved, Refuted, Solver
from bpfsmt.symbolic.encode import Encoding
from bpfsmt.symbolic.memory import UNWRITTEN
from bpfsmt.symbolic.values import Term, conj, disj


def settle(encoding: Encoding, solver: Solver, pc: int, *, uninit_stack: bool = False) -> Finding:
    """Whether some input makes the program go wrong; the witness has the inputs.

    With ``uninit_stack`` it is not wrong to read stack bytes that were never written.
    """
    if encoding.unsupported:
        why = "; ".join(sorted(set(encoding.unsupported.values())))
        return Finding("rejection", pc, Status.UNKNOWN, why=why)
    wrong = [w for w in encoding.wrong() if not (uninit_stack and w[2].startswith(UNWRITTEN))]
    formula = conj(encoding.known, disj(*(condition for _, condition, _ in wrong)))
    answer = smallest(solver, formula)
    if isinstance(answer, Proved):
        return Finding(
            "rejection", pc, Status.PROVED, "false rejection: safe for all inputs",
            seconds=answer.seconds,
        )  # fmt: skip
    if isinstance(answer, Refuted):
        happens = [
            (node, what)
            for node, condition, what in wrong
            if z3.is_true(answer.model.eval(condition, model_completion=True))
        ]
        node, what = happens[0]
        return Finding(
            "rejection", node.point[1], Status.REFUTED, "true rejection", what,
            {"inputs": witness_of(encoding, answer.model)}, seconds=answer.seconds,
        )  # fmt: skip
    return Finding("rejection", pc, Status.UNKNOWN, why=answer.why, seconds=answer.seconds)


def smallest(solver: Solver, formula: Term) -> Any:
    """An answer whose model, if there is one, has an ordinary short packet where possible."""
    length, meta = z3.BitVec("packet.len", 64), z3.BitVec("packet.meta", 64)
    for low, high in ((14, 64), (14, 512), (0, 1500)):
        small = z3.And(z3.UGE(length, low), z3.ULE(length, high), meta == 0)
        answer = solver.impossible(conj(formula, small))
        if isinstance(answer, Refuted):
            return answer
    return solver.impossible(formula)


def has_form(program: Program, kind: str) -> bool | None:
    """Whether a program has the shape that a rejection of form speaks of.

    Decided on the graph alone, not by asking the verifier again; `None` if ``kind`` is not
    about form.
    """
    try:
        graph = build_cfg(program).graph
    except BpfsmtError:
        return kind in ("bad-jump", "falls-off") or None
    if kind == "back-edge":
        return not nx.is_directed_acyclic_graph(graph)
    if kind == "unreachable":
        reached = nx.descendants(graph, 0) | {0}
        return any(graph.nodes[n]["function"] == 0 and n not in reached for n in graph)
    if kind == "recursion":
        return not nx.is_directed_acyclic_graph(build_cfg(program).calls)
    return None


__all__ = ["Witness", "has_form", "settle", "smallest"]
