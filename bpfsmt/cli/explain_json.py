"""An explanation as plain data."""

from __future__ import annotations

import dataclasses
from typing import Any

from bpfsmt.domain import format_reg
from bpfsmt.domain.analysis import Outcome
from bpfsmt.explain import Explanation, Repair
from bpfsmt.explain.access import Access, instruction_text
from bpfsmt.explain.trail import Mattered
from bpfsmt.program import Program


def explanation_json(one: Explanation) -> dict[str, Any]:
    """Everything; the parts of a rejection are missing where there is none."""
    analysis, program = one.analysis, one.analysis.program
    verdict = analysis.verdict
    found: dict[str, Any] = {
        "program": program.name,
        "type": program.type.value,
        "producer": analysis.producer,
        "verdict": verdict.outcome.value,
        "pc": verdict.pc,
        "kind": verdict.kind,
        "reason": verdict.reason,
        "message": verdict.message,
        "others": [other.to_json() for other in one.others],
    }
    if verdict.outcome is not Outcome.REJECT:
        return found
    return found | {
        "access": None if one.access is None else _access(one.access, program),
        "missing": [dataclasses.asdict(m) for m in one.missing],
        "slice": [_step(s, program) for s in one.slice.steps],
        "loss": dataclasses.asdict(one.loss),
        "truth": one.truth.to_json(),
        "check": repair_json(one.repair),
        "log": analysis.log,
    }


def repair_json(repair: Repair) -> dict[str, Any]:
    """The check that was found: the added instructions, and the whole program with them."""
    program = repair.program
    texts = {} if program is None else {
        pc: instruction_text(program, pc) for pc, _ in program.instructions()
    }  # fmt: skip
    return {
        "word": repair.word,
        "why": repair.why,
        "checks": repair.checks,
        "tried": repair.tried,
        "added": [{"pc": pc, "text": texts[pc]} for pc in repair.added],
        "program": [{"pc": pc, "text": text} for pc, text in texts.items()],
    }


def _access(access: Access, program: Program) -> dict[str, Any]:
    return {
        "pc": access.pc,
        "instruction": access.text,
        "what": access.what,
        "reg": access.reg,
        "claim": format_reg(access.claim, program.maps),
        "off": access.off,
        "size": access.size,
        "write": access.write,
    }


def _step(one: Mattered, program: Program) -> dict[str, Any]:
    reg = one.loc.in_state(one.step.after.state)
    return {
        "pc": one.pc,
        "instruction": instruction_text(program, one.pc),
        "writes": one.writes,
        "where": str(one.loc),
        "claim": format_reg(reg, program.maps),
    }
