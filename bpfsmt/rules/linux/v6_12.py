"""The scalar rules of Linux 6.12 (6.12.117), as overrides of the paper's.

What is Linux's here is how numbers are tracked; the walk around them (loops, precision,
linked registers, splits) is still the paper's.
"""

from __future__ import annotations

from bpfsmt.rules.linux import alu, branch, sync
from bpfsmt.rules.paper import RULES as PAPER
from bpfsmt.rules.paper import rules_in

RULES = PAPER.extend(
    "linux-6.12-scalars",
    *rules_in(sync, alu, branch).values(),
    doc="Linux 6.12.117's scalar rules (32-bit ranges) under the paper's walk",
)
