"""A program in the form of the kernel's own selftests: naked inline assembly with a message."""

from __future__ import annotations

from bpfsmt.poc.found import Poc


def selftest(poc: Poc) -> str:
    """The program as a test of ``progs/verifier_*.c``.

    It has a path that returns 1, which the two numbers in the comment take.  A sound
    verifier walks it and logs its instructions; one with the fault never gets there.
    """
    lines = []
    for line in poc.text.splitlines():
        if line.startswith("    "):
            lines.append("\t" + _labels(line.strip()) + ";")
        elif line in ("out:", "wrong:"):
            lines.append(f"{LABELS[line[:-1]]}:")
    body = "\n".join(f"{line}\t\\" for line in lines)
    x, y = poc.numbers
    return f"""/* r6 = {x:#x}, r7 = {y:#x}: {poc.violation} */
SEC("socket")
__description("{poc.operation} contains its result")
__success __log_level(2)
__msg("r0 = 1")
__naked void {poc.operation}_contains_its_result(void)
{{
\tasm volatile ("\t\\
{body}
"\t:
\t: __imm(bpf_ktime_get_ns)
\t: __clobber_all);
}}
"""


LABELS = {"out": "l0_%=", "wrong": "l1_%="}


def _labels(line: str) -> str:
    for name, label in LABELS.items():
        line = line.replace(f"goto {name}", f"goto {label}")
    return line.replace("call bpf_ktime_get_ns", "call %[bpf_ktime_get_ns]")
