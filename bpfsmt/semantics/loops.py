"""The one meaning of ``may_goto``: a loop that ends by itself when its rounds are spent.

Each call of a function begins with `MAY_GOTO_ROUNDS`, which all its ``may_goto`` share: one
that finds none left jumps (and so does each after it), any other goes on with one less.
That is the count of Linux 6.9 to 6.14, and of newer kernels on processors where their
just-in-time compiler keeps no time.  Elsewhere the newer ones (x86-64 since 6.15) leave when
a quarter of a second has passed: what a program gives then depends on how fast it runs,
unless it does not depend on when it leaves, and only such answers are to be compared.
"""

from __future__ import annotations

from bpfsmt.bits import rule, u64

MAY_GOTO_ROUNDS = 8 * 1024 * 1024
"""How many times the ``may_goto`` of one call go on (``BPF_MAX_LOOPS``)."""


@rule
def leaves(rounds: u64) -> bool:
    """Whether a ``may_goto`` jumps, with so many rounds left."""
    return rounds == 0


@rule
def one_less(rounds: u64) -> u64:
    """The rounds left after a ``may_goto`` that does not jump."""
    return rounds - 1
