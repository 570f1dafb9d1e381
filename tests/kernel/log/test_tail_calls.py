"""A tail call in a function, as Linux 6.18.44 walks it: first as if it succeeds."""

from __future__ import annotations

from bpfsmt.crosscheck.finding import Status
from bpfsmt.crosscheck.run import check_log
from bpfsmt.kernel.log import parse_log
from bpfsmt.program import load_asm

PROGRAM = load_asm(
    """
.map input type=array key=4 value=8 entries=1
.map jumps type=prog_array key=4 value=4 entries=1
    r6 = map[input][0]
    call inner
    if r0 != 0 goto other
    r0 = 0
    exit
other:
    r0 = *(u8 *)(r6 + 7)
    exit
.func inner
    r2 = map[jumps]
    r3 = 0
    call bpf_tail_call
    r0 = 0
    exit
""",
    "calls",
)

LOG = """\
func#0 @0
func#1 @8
Live regs before insn:
      0: .12345.... (18) r6 = 0xffff888100000000
      2: .123456... (85) call pc+5
      3: 0.....6... (55) if r0 != 0x0 goto pc+2
      4: .......... (b7) r0 = 0
      5: 0......... (95) exit
      6: ......6... (71) r0 = *(u8 *)(r6 +7)
      7: 0......... (95) exit
      8: .1........ (18) r2 = 0xffff888100000000
     10: .12....... (b7) r3 = 0
     11: .123...... (85) call bpf_tail_call#12
     12: .......... (b7) r0 = 0
     13: 0......... (95) exit
0: R1=ctx() R10=fp0
0: (18) r6 = 0xffff888100000000       ; R6=map_value(map=input,ks=4,vs=8)
2: (85) call pc+5
caller:
 R6=map_value(map=input,ks=4,vs=8) R10=fp0
callee:
 frame1: R1=ctx() R10=fp0
8: frame1: R1=ctx() R10=fp0
8: (18) r2 = 0xffff888100000000       ; frame1: R2=map_ptr(map=jumps,ks=4,vs=4)
10: (b7) r3 = 0                       ; frame1: R3=0
11: (85) call bpf_tail_call#12
mark_precise: frame1: last_idx 11 first_idx 0 subseq_idx -1
mark_precise: frame1: regs=r3 stack= before 10: (b7) r3 = 0
returning from callee:
 frame1: R0=scalar() R10=fp0
to caller at 3:
 R0=scalar() R6=map_value(map=input,ks=4,vs=8) R10=fp0
3: R0=scalar()
3: (55) if r0 != 0x0 goto pc+2        ; R0=0
4: (b7) r0 = 0                        ; R0=0
5: (95) exit

from 3 to 6: R0=scalar(umin=1) R6=map_value(map=input,ks=4,vs=8) R10=fp0
6: R0=scalar(umin=1) R6=map_value(map=input,ks=4,vs=8) R10=fp0
6: (71) r0 = *(u8 *)(r6 +7)           ; R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)) R6=map_value(map=input,ks=4,vs=8)
7: (95) exit

from 11 to 12: frame1: R10=fp0
12: frame1: R10=fp0
12: (b7) r0 = 0                       ; frame1: R0=0
13: (95) exit
returning from callee:
 frame1: R0=0 R10=fp0
to caller at 3:
 R0=0 R6=map_value(map=input,ks=4,vs=8) R10=fp0

from 13 to 3: R0=0 R6=map_value(map=input,ks=4,vs=8) R10=fp0
3: (55) if r0 != 0x0 goto pc+2
mark_precise: frame0: last_idx 3 first_idx 0 subseq_idx -1
mark_precise: frame0: regs=r0 stack= before 13: (95) exit
mark_precise: frame1: regs=r0 stack= before 12: (b7) r0 = 0
3: R0=0
4: (b7) r0 = 0                        ; R0=0
5: (95) exit
processed 15 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
"""  # noqa: E501


def test_it_comes_back_and_fails() -> None:
    log = parse_log(PROGRAM, LOG)
    assert (log.unread, log.surprises) == ([], [])
    kinds = {(log.analysis.visits[e.src].pc, e.kind) for e in log.analysis.edges}
    assert {(11, "return"), (11, "next")} <= kinds
    report = check_log(PROGRAM, LOG, precision_seconds=0)
    assert report.count(Status.PROVED) == len(report.findings)


def test_a_lie_about_what_comes_back() -> None:
    told = "to caller at 3:\n R0=scalar() R6"
    lie = LOG.replace(told, told.replace("scalar()", "5"), 1)
    assert lie != LOG
    lie = lie.replace("3: R0=scalar()\n", "3: R0=5\n", 1)
    refuted = check_log(PROGRAM, lie, precision_seconds=0).refuted
    assert ("inductive", 3) in {(f.check, f.pc) for f in refuted}
