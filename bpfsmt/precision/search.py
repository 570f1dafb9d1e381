"""Examples of a rule that says less than it could: the smallest one, by trying all small operands.

Operands are of one bit, then two, then three, though the rule works on 64: the ends of a
range of k bits are signed numbers of k bits, or as near to where the sign changes; a tnum of
k bits has zeros above them.  Of one width the smallest numbers come first.  Where there is no small
one and no proof, operands with few members are drawn that are anywhere.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from typing import Any

from bpfsmt.domain.scalar import Tnum
from bpfsmt.precision.cases import Case, Example, Question
from bpfsmt.precision.parts import Part, RangePart

WIDTHS = (1, 2, 3)

ALL = (1 << 64) - 1

COUNTS = (0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63)
"""Known shift counts that are tried."""


def smallest_example(question: Question, seconds: float) -> tuple[Example, int] | None:
    """The first case in which more could be said, with its width in bits.

    `None` if there is none up to three bits, or none was found in so many seconds.
    """
    end = time.process_time() + seconds
    for width in WIDTHS:
        for values in cases(question, width):
            if time.process_time() > end:
                return None
            found = Case(question, values).example()
            if found is not None:
                return found, width
    return None


def drawn_example(question: Question, seconds: float) -> Example | None:
    """A case in which more could be said among operands that are drawn: few numbers each, anywhere.

    `None` if none was found in so many seconds of processor time.
    """
    rng = random.Random(question.name)
    end = time.process_time() + seconds
    while time.process_time() < end:
        values = tuple(
            rng.randrange(question.operation.below) if kind == "count" else few(question.given, rng)
            for kind in question.operation.kinds
        )
        found = Case(question, values).example()
        if found is not None:
            return found
    return None


def few(part: Part, rng: random.Random) -> Any:
    """A value of the part with few members, near a power of two or anywhere."""
    near = rng.choice((0, 1 << rng.randrange(64), rng.getrandbits(64), rng.getrandbits(32)))
    lo = near + rng.randrange(-4, 4)
    if isinstance(part, RangePart):
        ends = part.word(lo), part.word(lo + rng.randrange(8))
        return min(ends), max(ends)
    mask = sum(1 << rng.randrange(64) for _ in range(rng.randrange(4))) & ALL
    return Tnum(lo & ALL & ~mask, mask)


def cases(question: Question, width: int) -> Iterator[tuple[Any, ...]]:
    """What may be known of the operands if it has ``width`` bits, smallest first."""
    each: list[list[tuple[int, Any]]] = []
    for operand in question.operation.operands:
        if operand == "count":
            each.append([(0, n) for n in COUNTS if n < question.operation.below])
        elif not isinstance(operand, int):
            each.append(sized(question.given, width))
    wide = [c for c in itertools.product(*each) if width in {w for w, _ in c}]
    chosen = [tuple(v for _, v in c) for c in wide]
    return iter(sorted(chosen, key=_weight))


def sized(part: Part, width: int) -> list[tuple[int, Any]]:
    """Values of one part that take ``width`` bits or fewer, each with how many it takes."""
    if isinstance(part, RangePart):
        half = 1 << (width - 1)
        centres = (0, 1 << (part.word.bits - 1)) if width < WIDTHS[-1] else (0,)
        numbers = sorted({part.word(c + n) for c in centres for n in range(-half, half)})
        pairs = itertools.combinations_with_replacement(numbers, 2)
        return [(max(_width(part, n) for n in p), p) for p in pairs]
    full = 1 << width
    tnums = (Tnum(v, m) for v, m in itertools.product(range(full), repeat=2) if not v & m)
    return [(max((t.value | t.mask).bit_length(), 1), t) for t in tnums]


def _width(part: RangePart, n: int) -> int:
    """How many bits its distance from zero, or from where the sign changes, takes."""
    return min(x.bit_length() for x in (_distance(n, c, part) for c in (0, part.word.bits))) + 1


def _distance(n: int, bits: int, part: RangePart) -> int:
    """How far n is from 2**(bits - 1), or from zero, on its upper or its lower side."""
    offset = (n - (1 << (bits - 1) if bits else 0)) & part.word.mask
    return min(offset, offset ^ part.word.mask)


def _weight(values: tuple[Any, ...]) -> tuple[int, Any]:
    """Small numbers before large ones, numbers below zero by how far below they are."""
    flat = [n for v in values for n in (v if isinstance(v, tuple) else (v,))]
    return sum(min(n & (1 << 64) - 1, -n & (1 << 64) - 1) for n in flat), tuple(flat)
