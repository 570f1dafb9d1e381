"""The museum: unsound rules that Linux has had, each a few lines on the rule set of its time.

``museum/cve-2020-8835`` is a rule set as any other.  One file for each, with what is known of
the fault as data (`Exhibit`) and beside it, as ``.bpfasm``, a program that a verifier with
these rules accepts and that goes wrong when it runs.  The bytes with which it does are in
its map ``input``.  What is not here, and why, is in `absent`.

>>> from bpfsmt.rules.museum import exhibit
>>> exhibit("cve-2020-8835").rules
<rule set museum/cve-2020-8835: 122 rules>
"""

from bpfsmt.rules.museum.absent import ABSENT, Absent
from bpfsmt.rules.museum.exhibit import (
    MODULES,
    PREFIX,
    PROGRAM,
    Exhibit,
    beside,
    exhibit,
    exhibits,
)

__all__ = [
    "ABSENT",
    "MODULES",
    "PREFIX",
    "PROGRAM",
    "Absent",
    "Exhibit",
    "beside",
    "exhibit",
    "exhibits",
]
