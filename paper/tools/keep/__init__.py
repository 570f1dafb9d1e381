"""What of a command's JSON the paper uses: one function for each command."""

from paper.tools.keep.kernels import agree, bench_verify, bench_xdp, machine_check, selftests
from paper.tools.keep.precise import diff, precision, products
from paper.tools.keep.programs import (
    crosscheck,
    explain,
    false_claims,
    fuzz,
    fuzz_museum,
    generate,
)
from paper.tools.keep.rules import exhibit, museum, mutate, prove, refutation, rule_sets, text

__all__ = [
    "agree",
    "bench_verify",
    "bench_xdp",
    "crosscheck",
    "diff",
    "exhibit",
    "explain",
    "false_claims",
    "fuzz",
    "fuzz_museum",
    "generate",
    "machine_check",
    "museum",
    "mutate",
    "precision",
    "products",
    "prove",
    "refutation",
    "rule_sets",
    "selftests",
    "text",
]
