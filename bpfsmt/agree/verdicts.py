"""The verdict in a kernel's answer, as far as its log tells where and why."""

from __future__ import annotations

import re

from bpfsmt.domain.analysis import Outcome, Verdict
from bpfsmt.kernel.log.messages import Message, message
from bpfsmt.kernel.oracle import LoadResult
from bpfsmt.kernel.stats import last_words
from bpfsmt.kernel.syscall import describe_errno

_INSTRUCTION = re.compile(r"^(\d+): \([0-9a-f]{2}\) ", re.MULTILINE)
_NUMBERS = re.compile(r"(?<![A-Za-z_0-9])-?(?:0x[0-9a-f]+|\d+)")

SILENT = "silent"
"""The kind of a rejection without any word in the log."""

OTHER = "other"
"""The kind of a rejection in words that are not in the table of messages."""

NOWHERE = frozenset({"stack-depth", "program-length", "signature", "too-complex", SILENT})
"""Kinds of rejection that are of no one instruction."""

_ELSEWHERE = frozenset({"reference-leak"})
"""Kinds for which a message names another instruction than the one that the walk is at."""

MEMORY_SAFETY = frozenset(
    {
        "uninitialized-register", "pointer-arithmetic", "pointer-bounds", "bad-pointer",
        "possibly-null", "misaligned", "ctx-access", "modified-ctx", "map-value-bounds",
        "map-read-only", "packet-bounds", "packet-write", "stack-bounds",
        "stack-variable-offset", "stack-uninitialized", "stack-pointer-part",
        "stack-pointer-escape", "pointer-leak", "atomic-target", "memory-bounds", "read-only",
        "special-field", "argument-type", "argument-size", "map-helper-mismatch",
        "reference", "reference-leak", "mixed-pointers",
    }
)  # fmt: skip
"""Kinds of rejection that keep memory safe, not the machine from looping or the rules kept."""

_SAME = {
    "local-calls": "recursion",
}
"""Our words for what the table of messages calls otherwise."""


def kernel_verdict(result: LoadResult) -> Verdict:
    """The verdict of a kernel: the instruction is the last in its log, or the one it names.

    ``pc`` is -1 where the log names none.  The kind is `OTHER` for words that are not known,
    `SILENT` for none.
    """
    if result.accepted:
        return Verdict(Outcome.ACCEPT)
    lines = _last_lines(result.log)
    if not lines:
        why = describe_errno(result.errno)
        return Verdict(Outcome.REJECT, -1, SILENT, f"The kernel says only {why}.", why)
    said = [(line, found) for line in lines if (found := message(line)) is not None]
    text, first = said[0] if said else (last_words(result.log), Message(OTHER))
    walked = _INSTRUCTION.findall(result.log)
    at = -1 if first.kind in _ELSEWHERE else first.pc
    at = int(walked[-1]) if at < 0 and walked else at
    at = -1 if first.kind in NOWHERE else at
    return Verdict(Outcome.REJECT, at, first.kind, f"The kernel says: {text}.", text, first.reg)


def _last_lines(log: str) -> list[str]:
    """What was said after the last instruction."""
    end = log
    for found in _INSTRUCTION.finditer(log):
        at = log.find("\n", found.start())
        end = log[at + 1 :] if at >= 0 else ""
    return [line for line in end.splitlines() if line and last_words(line)]


def same_kind(ours: Verdict, kernel: Verdict) -> bool:
    """Whether two rejections are for the same kind of reason, by one table for both."""
    if ours.message and ours.message == kernel.message:
        return True
    said = message(ours.message)
    kinds = {ours.kind, _SAME.get(ours.kind, ours.kind), said.kind if said else ours.kind}
    return kernel.kind in kinds


def shape(text: str) -> str:
    """A message without its numbers, so that like ones are one.

    >>> shape("R3 invalid mem access 'scalar' off=-8")
    "R invalid mem access 'scalar' off=N"
    >>> shape("R10 = be16 R10")
    'R = be16 R'
    """
    return re.sub(r"\bR\d+\b", "R", _NUMBERS.sub("N", text))
