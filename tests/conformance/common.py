"""What these tests share."""

from __future__ import annotations

import pytest

from bpfsmt.conformance import Agreement, Case, Checked, check
from bpfsmt.kernel import RunInput, available
from bpfsmt.program import Program, load_asm

needs_bpf = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")


def asm(text: str) -> Program:
    return load_asm(text, "test")


def case(program: Program | str, *inputs: RunInput) -> Case:
    if isinstance(program, str):
        program = asm(program)
    return Case("files", "test", program, inputs or (RunInput(),))


def all_same(found: list[Checked]) -> list[str]:
    """What is not the same, in words; nothing is what is hoped for."""
    return [
        f"{each.case.name}: {each.agreement.value} {each.why} {[str(d) for d in each.differences]}"
        for each in found
        if each.agreement is not Agreement.SAME
    ]


__all__ = ["all_same", "asm", "case", "check", "needs_bpf"]
