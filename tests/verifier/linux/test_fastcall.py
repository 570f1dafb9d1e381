"""Spills around a call that is inlined need no stack, if nothing else is where they are."""

from __future__ import annotations

from bpfsmt.rules import rule_set

from .common import accepted, rejected

FULL = """
r1 = 42
*(u64 *)(r10 - 512) = r1
call f
r0 = 0
exit
f:
{body}
exit
"""
AROUND = "*(u64 *)(r10 - 8) = r1\ncall {helper}\n{then}r1 = *(u64 *)(r10 - 8)"
CPU = AROUND.format(helper="bpf_get_smp_processor_id", then="")
DEEP = "combined stack size of 2 calls is"


def test_the_spill_needs_no_stack() -> None:
    accepted(FULL.format(body=CPU))
    nested = "*(u64 *)(r10 - 8) = r2\n*(u64 *)(r10 - 16) = r1\ncall bpf_get_smp_processor_id\n"
    nested += "r1 = *(u64 *)(r10 - 16)\nr2 = *(u64 *)(r10 - 8)"
    accepted(FULL.format(body="r2 = 1\n" + nested))


def test_it_does_in_6_1() -> None:
    rejected(FULL.format(body=CPU), DEEP, rules=rule_set("linux-6.1"))


def test_another_helper_is_called() -> None:
    body = AROUND.format(helper="bpf_ktime_get_ns", then="")
    rejected(FULL.format(body=body), DEEP)
    rejected(FULL.format(body=f"{CPU}\n{body}"), DEEP)


def test_the_slot_is_used_for_something_else() -> None:
    rejected(FULL.format(body=f"{CPU}\nr2 = *(u64 *)(r10 - 8)"), DEEP)
    rejected(FULL.format(body="*(u32 *)(r10 - 4) = 1\n" + CPU), DEEP)


def test_what_is_no_pair() -> None:
    between = AROUND.format(helper="bpf_get_smp_processor_id", then="r3 = 1\n")
    rejected(FULL.format(body=between), DEEP)
    rejected(FULL.format(body="if r1 == 0 goto +1\n" + CPU), DEEP)
    accepted(FULL.format(body="if r1 == 0 goto +0\n" + CPU))
