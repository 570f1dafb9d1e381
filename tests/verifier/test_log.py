"""The log, line by line."""

from .common import PACKET, run

PROGRAM = (
    PACKET + "r4 = r2\nr4 += 14\nr0 = 1\nif r4 > r3 goto out\n*(u64 *)(r10 - 8) = r2\nout:\nexit"
)


def test_accepted() -> None:
    log = run(PROGRAM, log=True).log
    assert log[0] == "0: R1=ctx() R10=fp0"
    assert log[1] == "0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2_w=pkt(r=0)"
    assert log[6].startswith("5: (2d) if r4 > r3 goto pc+1")
    assert log[6].endswith("; R3=pkt_end() R4=pkt(off=14,r=14)")
    assert log[7] == "from 5 to 6: R0=1 R2=pkt(r=14) R10=fp0"  # the others are not read again
    assert log[8].endswith("; R2=pkt(r=14) R10=fp0 fp-8=pkt(r=14)")
    assert log[10] == "7: (95) exit"
    assert log[11] == "from 5 to 7: R0=1 R10=fp0"
    assert log[-1] == "processed 9 insns (limit 131072)"


def test_pruned() -> None:
    log = run("r0 = *(u32 *)(r1 + 12)\nif r0 > 3 goto out\nout:\nr0 = 0\nexit", log=True).log
    assert "from 1 to 2: safe" in log


def test_rejected() -> None:
    log = run("r0 = *(u8 *)(r1 + 0)\nexit", log=True).log
    assert log[-2:] == [
        "invalid bpf_context access off=0 size=1",
        "processed 1 insns (limit 131072)",
    ]


def test_only_on_demand() -> None:
    assert run(PROGRAM).log == []
