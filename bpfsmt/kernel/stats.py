"""The end of a verifier's log: the counts, and what it said last."""

from __future__ import annotations

import re

from bpfsmt.kernel.oracle import LoadStats

_PROCESSED = re.compile(
    r"^processed (\d+) insns \(limit \d+\) max_states_per_insn (\d+) total_states (\d+) "
    r"peak_states (\d+)",
    re.MULTILINE,
)
_TIME = re.compile(r"^verification time (\d+) usec$", re.MULTILINE)
_STACK = re.compile(r"^stack depth (\d+(?:\+\d+)*)", re.MULTILINE)
_COUNT = re.compile(r"processed \d+ insns|verification time \d|stack depth \d|mark_precise: ")
_LAST = 4096  # the counts are within so many characters of the end


def read_stats(log: str) -> LoadStats | None:
    """The counts in a log of Linux 5.2 or later; `None` where it has none.

    >>> read_stats("processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 1 "
    ...            "peak_states 1 mark_read 1")
    LoadStats(insns_processed=2, max_states_per_insn=0, total_states=1, peak_states=1, \
microseconds=None, stack_depth=None)
    """
    end = log[-_LAST:]
    found = _PROCESSED.search(end)
    if found is None:
        return None
    time, stack = _TIME.search(end), _STACK.search(end)
    processed, per_insn, total, peak = (int(number) for number in found.groups())
    return LoadStats(
        processed,
        per_insn,
        total,
        peak,
        microseconds=int(time[1]) if time else None,
        stack_depth=tuple(int(n) for n in stack[1].split("+")) if stack else None,
    )


def last_words(log: str) -> str:
    """The last line of a log that is no count: of a rejection, its reason ("" for no log).

    >>> last_words("0: (95) exit\\nR0 !read_ok\\nverification time 9 usec\\nstack depth 0\\n")
    'R0 !read_ok'
    """
    lines = [line for line in log[-_LAST:].splitlines() if line and not _COUNT.match(line)]
    return lines[-1] if lines else ""
