"""The same programs before and after a change: what two verifiers say, or one and a record.

A side is a rule set or a kernel; `difference` says how two of them differ on one program and
where they part.  `expected` is the file in which a folder of programs keeps what was said of
them, so that a change is seen with one command.
"""

from bpfsmt.corpus.difference import Difference, difference
from bpfsmt.corpus.side import Said, Side

__all__ = ["Difference", "Said", "Side", "difference"]
