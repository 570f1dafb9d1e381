"""The Linux verifier's log, read back into the claims that it makes.

At level 2 a kernel prints what it knows before and after every instruction that it walks.
That is an `Analysis` like any other: visits, edges between them, arms that are never taken,
states for which earlier ones stand.  The log leaves much out; `carry` says what, `trail`
puts it together, `cover` finds the earlier state where the log only says "safe".
"""

from bpfsmt.kernel.log.old import format_old
from bpfsmt.kernel.log.parse import ParsedLog, parse_log
from bpfsmt.kernel.log.regs import Dialect, Reader, Unmodelled, Unreadable
from bpfsmt.kernel.log.states import read_slot, split_state

__all__ = [
    "Dialect",
    "ParsedLog",
    "Reader",
    "Unmodelled",
    "Unreadable",
    "format_old",
    "parse_log",
    "read_slot",
    "split_state",
]
