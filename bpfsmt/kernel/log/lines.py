"""Lines of a log that make no claim: they are known, and passed over.

Patterns from Linux 6.1, 6.12 and 6.18 (``kernel/bpf/verifier.c``, ``log.c``,
``liveness.c``).
"""

from __future__ import annotations

import re

_PASSED = r"""
(?:)
[Ff]unc\#\d+(\ \(.*\))?\ is\ safe\ for\ any\ args\ that\ match\ its\ prototype
Live\ regs\ before\ insn:
;.*
mark_precise:\ frame\d+:\ falling\ back\ to\ forcing\ all\ scalars\ precise
force_precise:\ frame\d+:\ forcing\ \S+\ to\ be\ precise
frame\ \d+:\ propagating\ \S+
\([\d,]+\)\ frame\ \d+\ insn\ \d+(\ [+-](live|written)(\ -?[\d,-]+)?)+\s*
\([\d,]+\)\ live\ stack\ update\ done\ in\ \d+\ iterations
SCC\ (enter|exit|backedge)\ .*
(verifier\ bug:\ )?REG\ INVARIANTS\ VIOLATION\ .*
verification\ time\ \d+\ usec
stack\ depth\ [\d+]+.*
"""
_PASS = re.compile("|".join(f"(?:{line})" for line in _PASSED.strip().splitlines()))

_ALIVE = re.compile(r"(?: *\d+)? +(\d+): ([.0-9]{10}) \([0-9a-f]{2}\) .*")


def passes(line: str) -> bool:
    """The line tells how the kernel works, not what it claims."""
    return _PASS.fullmatch(line) is not None


def live_registers(line: str) -> tuple[int, int] | None:
    """A row of the table of live registers (since Linux 6.15): the pc and the mask.

    >>> live_registers("     14: 01........ (79) r2 = *(u64 *)(r1 +0)")
    (14, 3)
    """
    found = _ALIVE.fullmatch(line)
    if not found:
        return None
    return int(found[1]), sum(1 << n for n, mark in enumerate(found[2]) if mark != ".")
