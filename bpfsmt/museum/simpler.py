"""A counterexample that a person can read, found by running the rule on simpler inputs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

from bpfsmt.domain.printing import format_scalar
from bpfsmt.domain.scalar import COMPONENTS, UNKNOWN, Scalar, Tnum, const
from bpfsmt.prover.obligation import Counterexample, Trial

PATIENCE = 3.0
"""Seconds of processor time for one counterexample."""


def simpler(trial: Trial, found: Counterexample) -> Counterexample:
    """One that takes less to write down, as far as some seconds allow.

    Greedy: knowledge is dropped, or made exact, and numbers are made round, one at a time, for
    as long as the rule stays wrong.
    """
    end = time.process_time() + PATIENCE
    best = found
    improved = True
    while improved and time.process_time() < end:
        improved = False
        for args, numbers in _moves(trial, best):
            tried = trial.check(trial.rules, args, numbers)
            if tried is not None and _length(tried) < _length(best):
                best, improved = tried, True
                break
            if time.process_time() > end:
                break
    return best


def _length(c: Counterexample) -> int:
    """How long the inputs are in writing."""
    return sum(len(_text(x)) for x in (*c.args, *c.numbers))


def _text(x: Any) -> str:
    return format_scalar(x) if isinstance(x, Scalar) else str(x)


def _moves(trial: Trial, c: Counterexample) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Inputs one step simpler: records only, for a word may be what the claim is about."""
    for i, arg in enumerate(c.args):
        if not isinstance(arg, Scalar | Tnum):
            continue
        for known, numbers in itertools.chain(
            _exact(trial, arg, c.numbers), ((r, c.numbers) for r in _variants(arg))
        ):
            yield (*c.args[:i], _settled(trial, known), *c.args[i + 1 :]), numbers
    for j, x in enumerate(c.numbers):
        yield from ((c.args, _put(c.numbers, j, y)) for y in _rounder(x))


def _settled(trial: Trial, r: Any) -> Any:
    """The record as the rule gets it."""
    if trial.synced and isinstance(r, Scalar):
        return trial.rules.linked.ints["sync"](r)
    return r


def _exact(
    trial: Trial, arg: Scalar | Tnum, numbers: tuple[int, ...]
) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """One number known, and what stands for it that number; or a rounder one."""
    subreg = "bounds32_from_tnum" in trial.rules.linked.rules
    for j, x in enumerate(numbers):
        for y in dict.fromkeys((x, *_rounder(x), *numbers)):
            known = const(y, subreg=subreg) if isinstance(arg, Scalar) else Tnum(y, 0)
            yield known, _put(numbers, j, y)


def _put(numbers: tuple[int, ...], j: int, y: int) -> tuple[int, ...]:
    return (*numbers[:j], y, *numbers[j + 1 :])


def _variants(r: Any) -> Iterator[Any]:
    """The scalar or tnum without one part, or with one of its numbers rounder."""
    if isinstance(r, Scalar):
        for part in COMPONENTS.values():
            yield r._replace(**{name: getattr(UNKNOWN, name) for name in part})
        yield from (r._replace(var_off=t) for t in _variants(r.var_off))
    for name in r._fields:
        x = getattr(r, name)
        if isinstance(x, int):
            yield from (r._replace(**{name: y}) for y in _rounder(x))


def _rounder(x: int) -> Iterator[int]:
    """Numbers of the same sign that are easier to read, the smallest first."""
    sign, size = (-1, -x) if x < 0 else (1, x)
    bits = size.bit_length()
    near = (0, 1, 2, 4, 8, 1 << (bits - 1) if bits else 0, (1 << bits) - 1)
    yield from (sign * y for y in near if y < size or (y > size and sign > 0))
