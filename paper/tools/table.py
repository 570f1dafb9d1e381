"""The measurements: a name, the command, and what is kept of its JSON.

The quick profile takes some minutes on two cores; where the full one asks for more, ``full`` says
so.  ``needs`` names what a machine may not have: ``kernel`` (bpf() is allowed), ``vm:RELEASE``
(another kernel, in QEMU), ``tree`` (the source of a kernel).  Nothing reads a cache: what is
timed is done.  Campaigns of hours may be run ahead: ``saved`` is the option with the file that
keeps what is finished (`paper.tools.needs.CAMPAIGNS`); how much was kept is in the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paper.tools import keep

Keep = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One command of bpfsmt, and what to keep of what it prints."""

    name: str
    keep: Keep
    quick: str
    full: str = ""
    needs: str = ""
    saved: str = ""

    def arguments(self, profile: str) -> str:
        """What comes after ``bpfsmt``."""
        return (self.full or self.quick) if profile == "full" else self.quick


PROVE = "prove --no-cache --no-poc --json --rules"
PRECISE = "precision --no-cache --json --rules"
XDP = "drop tx redirect ddos-attack l3fwd lb-encap lb-decap"
OPERATIONS = (
    "tnum_add tnum_sub tnum_mul alu64_add alu64_sub alu64_and alu64_or alu64_xor "
    "alu64_lsh alu64_rsh"
)
PLANTED = "tests/cli/planted_bug.py"
LOGGED = "tests/kernel/logs/programs"
FILL, END = f"{LOGGED}/sign_extended_fill.bpfasm", f"{LOGGED}/packet_end_forgotten.bpfasm"
OUTSIDE = "bpfsmt/rules/museum/a20_sext_fill.bpfasm"
FALSE = "crosscheck --json --no-precision --oracle"
BESIDE = "bench_programs/other bench_programs/rules"
EXPLAINED = "bench_programs/rules/false_rejection_copied_number.bpfasm"

MEASUREMENTS: tuple[Measurement, ...] = (
    # What is there.
    Measurement("rule-sets", keep.rule_sets, "rules --json"),
    Measurement("text-tnum-mul", keep.text, "rules linux-6.18 --show tnum_mul"),
    Measurement("text-tnum-mul-step", keep.text, "rules linux-6.18 --show tnum_mul_step"),
    Measurement("text-tnum-add", keep.text, "rules linux-6.18 --show tnum_add"),
    Measurement("text-planted", keep.text, f"rules {PLANTED} --show tnum_add"),
    Measurement("text-fill", keep.text, f"disasm {FILL}"),
    Measurement("exhibit", keep.exhibit,
                "prove --no-cache --json --rules museum/cve-2017-16996"),
    # Rules.
    Measurement("prove-xdp-paper", keep.prove, f"{PROVE} xdp-paper"),
    Measurement("prove-hma", keep.prove, f"{PROVE} xdp-paper-hma tnum_mul"),
    Measurement("prove-linux-6.1", keep.prove, f"{PROVE} linux-6.1"),
    Measurement("prove-linux-6.12", keep.prove, f"{PROVE} linux-6.12"),
    Measurement("prove-linux-6.18", keep.prove, f"{PROVE} linux-6.18"),
    Measurement("prove-corrected", keep.prove, f"{PROVE} linux-6.12-corrected"),
    Measurement("recheck", keep.prove,
                f"{PROVE} linux-6.12 --recheck tnum_add tnum_sub tnum_mul add_core and_core",
                f"{PROVE} linux-6.12 --recheck"),
    Measurement("prove-planted", keep.refutation,
                f"prove --no-cache --json --rules {PLANTED} tnum_add"),
    Measurement("museum", keep.museum, "museum --json"),
    Measurement("mutate", keep.mutate, "mutate --no-cache --json --timeout 60 --sample 200",
                "mutate --no-cache --json --timeout 60", saved="--save"),
    Measurement("products", keep.products, "precision --products --width 8 --count 100000 --json",
                "precision --products --width 8 --count 1000000 --json"),
    Measurement("precision", keep.precision,
                f"{PRECISE} linux-6.12 --search 5 --timeout 10 --count 100 {OPERATIONS}",
                f"{PRECISE} linux-6.12 --count 1000"),
    Measurement("diff", keep.diff,
                "diff -r linux-6.12 -r linux-6.18 --no-cache --json "
                "-o tnum_mul -o bounds64_from_32 -o add_core -o sub_core -o xor_core",
                "diff -r linux-6.12 -r linux-6.18 --no-cache --json"),
    # Programs.
    Measurement("planted", keep.crosscheck,
                f"crosscheck --json --rules {PLANTED} tests/cli/carry.bpfasm"),
    Measurement("crosscheck", keep.crosscheck, "crosscheck --json bench_programs"),
    Measurement("crosscheck-kernel", keep.crosscheck,
                f"crosscheck --json --no-precision --oracle kernel {BESIDE}",
                "crosscheck --json --no-precision --oracle kernel bench_programs", "kernel"),
    Measurement("explain", keep.explain, f"explain --json {EXPLAINED}"),
    # Beside kernels.
    Measurement("agree", keep.agree, "agree --no-cache --json bench_programs", needs="kernel"),
    Measurement("agree-generated", keep.agree, "agree --no-cache --json --generated 200 --seed 11",
                "agree --no-cache --json --generated 5000 --seed 11", "kernel"),
    Measurement("agree-6.12", keep.agree, "agree --no-cache --json --oracle vm:6.12 bench_programs",
                needs="vm:6.12"),
    Measurement("agree-6.1", keep.agree, "agree --no-cache --json --oracle vm:6.1 bench_programs",
                needs="vm:6.1"),
    Measurement("selftests", keep.selftests,
                "selftests --no-cache --json --kernel-tree KERNEL_TREE", needs="tree"),
    Measurement("machine-check", keep.machine_check,
                "machine-check --json --random 2000 --maps 2000 --helpers 1000 --generated 2000 "
                "bench_programs",
                "machine-check --json bench_programs", "kernel"),
    Measurement("today", keep.false_claims, f"{FALSE} kernel {FILL} {END} {OUTSIDE}",
                needs="kernel"),
    Measurement("today-6.12", keep.false_claims, f"{FALSE} vm:6.12 {FILL} {END} {OUTSIDE}",
                needs="vm:6.12"),
    Measurement("today-6.1", keep.false_claims, f"{FALSE} vm:6.1 {END}", needs="vm:6.1"),
    # Campaigns.
    Measurement("generate", keep.generate, "generate --json --count 200",
                "generate --json --count 5000"),
    Measurement("generate-kernel", keep.generate, "generate --json --oracle kernel --count 200",
                "generate --json --oracle kernel --count 5000", "kernel"),
    *(Measurement(f"fuzz-{name}", keep.fuzz,
                  f"fuzz --json --seed 1 --rules {name} --programs 100",
                  f"fuzz --json --seed 1 --rules {name} --time 600")
      for name in ("xdp-paper", "linux-6.1", "linux-6.12", "linux-6.18")),
    Measurement("fuzz-museum", keep.fuzz_museum, "fuzz --museum --json --seeds 1 --time 4",
                "fuzz --museum --json --time 60", saved="--save"),
    # How fast.
    Measurement("bench-xdp", keep.bench_xdp, f"bench xdp --json --runs 5 --seconds 0.02 {XDP}",
                f"bench xdp --json {XDP}", "kernel"),
    Measurement("bench-verify", keep.bench_verify,
                "bench verify --json --runs 3 bench_programs/xdp",
                "bench verify --json bench_programs/xdp", "kernel"),
)  # fmt: skip
