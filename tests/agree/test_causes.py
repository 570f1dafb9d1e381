"""A difference is explained by a cause that makes it go away, and by nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from bpfsmt.agree import causes
from bpfsmt.agree.compare import Compared, compare
from bpfsmt.bits import replace, rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.kernel.stats import read_stats
from bpfsmt.program.asm_text import load_asm
from bpfsmt.rules import RuleSet, rule_set
from bpfsmt.rules.linux.alu import add_core
from bpfsmt.rules.linux.sync import sync
from bpfsmt.verifier import verify

from .common import RELEASES

PROGRAM = load_asm("call bpf_get_smp_processor_id\nr6 = r0\nr6 += 1\nr0 = r6\nexit", "cpu")
LOG = """\
func#0 @0
0: R1=ctx() R10=fp0
0: (85) call bpf_get_smp_processor_id#8       ; R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=1,var_off=(0x0; 0x1))
1: (bf) r6 = r0                       ; R0=scalar(id=1,smin=smin32=0,smax=umax=smax32=umax32=1,var_off=(0x0; 0x1)) R6=scalar(id=1,smin=smin32=0,smax=umax=smax32=umax32=1,var_off=(0x0; 0x1))
2: (07) r6 += 1                       ; R6=scalar(id=1+1,smin=umin=smin32=umin32=1,smax=umax=smax32=umax32=2,var_off=(0x0; 0x3))
3: (bf) r0 = r6                       ; R0=scalar(id=2,smin=umin=smin32=umin32=1,smax=umax=smax32=umax32=2,var_off=(0x0; 0x3)) R6=scalar(id=2,smin=umin=smin32=umin32=1,smax=umax=smax32=umax32=2,var_off=(0x0; 0x3))
4: (95) exit
processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""  # noqa: E501
RULES = rule_set("linux-6.18")


def compared(log: str = LOG, rules: RuleSet = RULES) -> Compared:
    result = LoadResult(PROGRAM, RELEASES["6.18"], True, 0, log, stats=read_stats(log))
    analysis = verify(PROGRAM, rules, forgetful=False)
    return compare(analysis, result, others=causes.without(result, rules))


def test_what_follows_from_the_number_of_cpus() -> None:
    states = compared().states
    assert states is not None
    assert states.total - states.equal == 6
    assert sum(states.explained.values()) == 6
    assert states.unexplained == 0
    assert all(causes.cited(name) for name in states.explained)


@pytest.mark.parametrize(
    ("said", "lie"),
    [
        ("R6=scalar(id=1+1,smin=umin=smin32=umin32=1,", "R6=scalar(id=1+1,smin=umin32=1,umin=2,"),
        ("R0=scalar(smin=smin32=0,", "R0=scalar(smin=-3,smin32=0,"),
    ],
)  # fmt: skip
def test_what_does_not_follow_is_unexplained(said: str, lie: str) -> None:
    states = compared(LOG.replace(said, lie)).states
    assert states is not None
    assert states.unexplained == 1


@rule
def alu64_add(a: Scalar, b: Scalar) -> Scalar:
    """A sum whose upper end is one too low."""
    r = sync(add_core(a, b))
    return replace(r, umax=r.umax - 1)


def test_a_wrong_rule_is_unexplained() -> None:
    wrong = RULES.extend("wrong", alu64_add)
    states = compared(rules=wrong).states
    assert states is not None
    assert states.unexplained == 3, "the sum, and its two copies"
    assert states.explained.total() == 3


def test_without_a_cause_nothing_is_explained() -> None:
    result = LoadResult(PROGRAM, RELEASES["6.18"], True, 0, LOG, stats=read_stats(LOG))
    states = compare(verify(PROGRAM, RULES, forgetful=False), result).states
    assert states is not None
    assert states.unexplained == 6
    silent = dataclasses.replace(result, log="4: (95) exit\n")
    assert not list(causes.without(silent, RULES))
