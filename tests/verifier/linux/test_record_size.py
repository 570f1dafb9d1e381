"""The size of a record is 32 bits of the argument, as the kernel keeps it."""

from __future__ import annotations

from bpfsmt import Status, check
from bpfsmt.domain import RegType
from bpfsmt.program import load_asm
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify


def test_the_upper_half_of_a_size_is_not_kept() -> None:
    program = load_asm(
        """.map ring type=ringbuf key=0 value=0 entries=4096
        r1 = map[ring]
        r2 = 0xfffffffe00000001 ll
        r3 = 0
        call bpf_ringbuf_reserve
        if r0 == 0 goto out
        r1 = r0
        r2 = 0
        call bpf_ringbuf_discard
        out:
        r0 = 0
        exit""",
        "size",
    )
    analysis = verify(program, rule_set("linux-6.18"), forgetful=False)
    assert analysis.verdict.accepted
    records = [
        visit.state.regs[0]
        for visit in analysis.visits
        if visit.state.regs[0].type is RegType.RINGBUF_MEM
    ]
    assert records
    assert {reg.mem for reg in records} == {1}
    # The encoder keeps it likewise: nothing that the walk claims of the record is refuted.
    report = check(analysis)
    assert not report.refuted
    assert report.count(Status.PROVED)
