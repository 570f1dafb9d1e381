"""Claims × checkers → findings: is what a producer says of a program true?

The package itself can be called, as `bpfsmt.crosscheck.run.crosscheck` is: a name of the top
level and a room share their name, and whichever was imported first, it is the same object.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpfsmt.crosscheck.report import Report


class _Room(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> "Report":
        """Verify a program with a rule set and check every claim (`run.crosscheck`)."""
        from bpfsmt.crosscheck.run import crosscheck

        return crosscheck(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
