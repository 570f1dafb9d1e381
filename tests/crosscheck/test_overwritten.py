"""A spill of which nothing is left claims nothing, and is checked all the same."""

from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.inductive import Inductive
from bpfsmt.program import load_asm
from bpfsmt.prover import Solver
from bpfsmt.rules import rule_set
from bpfsmt.verifier import verify

OVERWRITTEN = """
    r9 = -1
    *(u8 *)(r10 - 32) = r9
    r0 = *(u8 *)(r10 - 32)
    w9 s>>= w9
    r4 = r9
    if r4 >= 32 goto out
    r8 = r10
    r8 += r4
    *(u8 *)(r8 - 40) = r0
out:
    exit
"""


def test_a_byte_somewhere_over_a_spilled_byte() -> None:
    program = load_asm(OVERWRITTEN, "overwritten")
    analysis = verify(program, rule_set("linux-6.1"), forgetful=False)
    assert analysis.verdict.accepted
    findings = list(Inductive(analysis, Solver()).run())
    assert all(f.status is Status.PROVED for f in findings if f.check != "pruning")
