"""Which memory the running kernel takes a helper to write, and what we take it to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bpfsmt.agree import compare
from bpfsmt.agree.choice import rules_for
from bpfsmt.kernel import oracle
from bpfsmt.kernel.log import parse_log
from bpfsmt.program import Program, ProgramType, load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

from ..common import needs_bpf

TEXT = """
r6 = r1
*(u64 *)(r10 - 8) = 0
*(u64 *)(r10 - 16) = 7
{arguments}
call {helper}
r1 = *(u64 *)(r10 - 8)
r1 = *(u64 *)(r10 - 16)
r0 = 0
exit
"""

HELPERS = {
    "bpf_fib_lookup": "r1 = r6\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 0",
    "bpf_check_mtu": "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 0\nr5 = 0",
    "bpf_snprintf_btf": "r1 = r10\nr1 += -16\nr2 = 8\nr3 = r10\nr3 += -8\nr4 = 8\nr5 = 0",
    "bpf_strtol": "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16",
    "bpf_trace_printk": "r1 = r10\nr1 += -16\nr2 = 16",
    "bpf_csum_diff": "r1 = r10\nr1 += -8\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 8\nr5 = 0",
}


def program(name: str) -> Program:
    """A program that hands memory on the stack to a helper, and then looks at it."""
    text = TEXT.format(arguments=HELPERS[name], helper=name)
    return replace(load_asm(text, name.removeprefix("bpf_")), type=ProgramType.XDP)


@needs_bpf
@pytest.mark.parametrize("name", HELPERS)
def test_as_the_kernel_has_it(name: str) -> None:
    kernel = oracle("kernel")
    result = kernel.load(program(name))
    assert result.accepted, result.log
    log = parse_log(result.program, result.log)
    assert (log.unread, log.surprises) == ([], []), "what the log leaves out is as it prints later"
    rules = rule_set(rules_for(kernel.release))
    found = compare(verify(result.program, rules, forgetful=False), result)
    assert found.states is not None
    assert found.states.told == []
    assert found.states.total > 10


@pytest.mark.parametrize("rules", ["linux-6.1", "linux-6.12", "linux-6.18"])
@pytest.mark.parametrize(
    ("name", "written"),
    [("bpf_fib_lookup", {0}), ("bpf_trace_printk", set()), ("bpf_snprintf_btf", {1})],
)
def test_only_a_late_kernel_trusts_helpers(rules: str, name: str, written: set[int]) -> None:
    """Slots that hold anything afterwards: those written, until 6.12 all that are handed over."""
    analysis = verify(program(name), rule_set(rules), forgetful=False)
    last = max(analysis.visits, key=lambda visit: visit.pc).state
    unknown = {n for n, slot in last.frames[0].stack.items() if "m" in slot.kinds}
    handed = {"bpf_fib_lookup": {0}}.get(name, {0, 1})
    assert unknown == (written if rules == "linux-6.18" else handed)
