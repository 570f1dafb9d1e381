"""Guided programs in the running kernel: the same verdicts as ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bpfsmt.agree.choice import rules_for
from bpfsmt.agree.compare import Agreement, compare
from bpfsmt.generate import guided_sample
from bpfsmt.kernel import available
from bpfsmt.kernel.oracle import oracle
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify


@pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")
def test_verdicts_are_the_kernels() -> None:
    kernel = oracle("kernel")
    rules = rule_set(rules_for(kernel.release))
    accepted = 0
    for program in guided_sample(rules, 40, 1):
        result = kernel.load(program)
        compared = compare(replace(verify(program, rules), visits=[]), result)
        assert compared.agreement is Agreement.SAME, (program.name, compared.cause)
        accepted += result.accepted
    assert accepted >= 28
