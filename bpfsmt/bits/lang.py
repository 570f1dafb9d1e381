"""The few functions of the rule language that plain Python lacks.

Inside a rule the compiler knows them by name; outside they are ordinary functions on
ints, with the same meaning.
"""

from __future__ import annotations

from typing import Any, TypeVar

R = TypeVar("R")


def replace(value: R, **fields: Any) -> R:
    """A copy of a record with some fields replaced."""
    return value._replace(**fields)  # type: ignore[attr-defined, no-any-return]


def bit_length(x: int) -> int:
    """How many bits an unsigned word needs: 0 for 0, else 1 + the index of its top bit."""
    return x.bit_length()


def div_trunc(a: int, b: int) -> int:
    """Signed division rounding towards zero, as C and RFC 9669 do; ``b`` must not be 0."""
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def rem_trunc(a: int, b: int) -> int:
    """The remainder that belongs to `div_trunc`; it has the sign of ``a``."""
    r = abs(a) % abs(b)
    return -r if a < 0 else r
