"""The machine against the running kernel: the same program, the same input, the same result.

A `Case` is a program with inputs; `check` runs it on both sides.  Cases come from files, from
every instruction at edge values, and from two kinds of drawn programs; `campaign` has what
makes many of them, and `bpfsmt machine-check` is the command.
"""

from bpfsmt.conformance.case import Agreement, Case, Checked, Difference
from bpfsmt.conformance.check import check

__all__ = ["Agreement", "Case", "Checked", "Difference", "check"]
