"""Second half of a layered drawing, part one: where in its row every vertex stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from bpfsmt.cfg.layers import Layers

Separation = Callable[[int, int], float]

INFINITY = float("inf")

ROUNDS = 24
"""How often every row is placed again; more changes nothing that the eye sees."""


def place_in_order(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The ascending numbers nearest to ``wanted`` (weighted least squares).

    This is isotonic regression, solved exactly by pooling neighbours that are out of order
    into blocks that share their weighted mean.

    >>> place_in_order([1, 4, 2, 9], [1, 1, 1, 1])
    [1.0, 3.0, 3.0, 9.0]
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight in zip(wanted, weights, strict=True):
        mean, total, count = float(want), weight, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_count = pools.pop()
            mean = (mean * total + other * other_weight) / (total + other_weight)
            total += other_weight
            count += other_count
        pools.append((mean, total, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def spread(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Like `place_in_order`, with at least ``gaps[i]`` between the i-th and the next.

    >>> spread([5, 5], [1, 1], [4])
    [3.0, 7.0]
    """
    shifts = [0.0]
    for gap in gaps:
        shifts.append(shifts[-1] + gap)
    shifts = shifts[: len(wanted)]
    moved = [want - shift for want, shift in zip(wanted, shifts, strict=True)]
    return [x + shift for x, shift in zip(place_in_order(moved, weights), shifts, strict=True)]


def centres(layers: Layers, separation: Separation) -> list[float]:
    """The x of the centre of every vertex.

    Every row in turn is placed as near as its order and ``separation`` (the least distance
    of two centres) allow to the mean of its neighbours in other rows.  Wires between two
    knots weigh most, so that long edges come out straight.
    """
    xs = [0.0] * len(layers.row_of)
    for row in layers.rows:
        gaps = _gaps(row, separation)
        for vertex, x in zip(row, spread([0.0] * len(row), [1.0] * len(row), gaps), strict=True):
            xs[vertex] = x
    sides = (layers.above, layers.below)
    both = [above + below for above, below in zip(*sides, strict=True)]
    boxes = len(layers.boxes)
    rounds = ROUNDS if len(xs) < 5_000 else ROUNDS // 6
    for number in range(rounds):
        neighbours = both if number >= rounds // 2 else sides[number % 2]
        for row in layers.rows if number % 2 == 0 else reversed(layers.rows):
            _place_row(row, neighbours, boxes, separation, xs)
    for _ in range(2):
        _straighten(layers, separation, xs)
    return xs


def place_lanes(layers: Layers, xs: list[float], right: float, gap: float) -> None:
    """Put the lanes to the right of ``right``, those that share no row on the same x."""
    ends: list[int] = []  # for every x, the last row that a lane there goes to
    for lane, (first, last) in sorted(layers.lanes.items(), key=lambda item: item[1]):
        number = next((i for i, end in enumerate(ends) if end < first), len(ends))
        ends[number : number + 1] = [last]
        xs[lane] = right + gap * (number + 1)


def _gaps(row: Sequence[int], separation: Separation) -> list[float]:
    return [separation(left, right) for left, right in pairwise(row)]


def _place_row(
    row: list[int],
    neighbours: Sequence[list[int]],
    boxes: int,
    separation: Separation,
    xs: list[float],
) -> None:
    wanted, weights = [], []
    for vertex in row:
        pull = [(_weight(vertex, other, boxes), xs[other]) for other in neighbours[vertex]]
        total = sum(weight for weight, _ in pull)
        wanted.append(sum(w * x for w, x in pull) / total if total else xs[vertex])
        weights.append(total or 0.01)
    for vertex, x in zip(row, spread(wanted, weights, _gaps(row, separation)), strict=True):
        xs[vertex] = x


def _weight(first: int, second: int, boxes: int) -> float:
    knots = (first >= boxes) + (second >= boxes)
    return (4.0, 0.3, 8.0)[knots]


def _straighten(layers: Layers, separation: Separation, xs: list[float]) -> None:
    """Give as many knots in a column as possible the same x, between their neighbours."""
    sides = _row_neighbours(layers)
    for column in _columns(layers):
        run: list[int] = []
        low, high = -INFINITY, INFINITY
        for vertex in column:
            left, right = sides[vertex]
            least = -INFINITY if left is None else xs[left] + separation(left, vertex)
            most = INFINITY if right is None else xs[right] - separation(vertex, right)
            most = max(most, least)  # rounding may have closed the room
            if max(low, least) > min(high, most):
                _align(run, low, high, xs)
                run, low, high = [], least, most
            run.append(vertex)
            low, high = max(low, least), min(high, most)
        _align(run, low, high, xs)


def _row_neighbours(layers: Layers) -> dict[int, tuple[int | None, int | None]]:
    """For every vertex the one to its left and the one to its right."""
    sides: dict[int, tuple[int | None, int | None]] = {}
    for row in layers.rows:
        for left, vertex, right in zip([None, *row], row, [*row[1:], None], strict=False):
            sides[vertex] = (left, right)
    return sides


def _align(run: list[int], low: float, high: float, xs: list[float]) -> None:
    middle = sorted(xs[vertex] for vertex in run)[len(run) // 2]
    for vertex in run:
        xs[vertex] = min(max(middle, low), high)


def _columns(layers: Layers) -> Iterable[list[int]]:
    """The knots that form one line down the page, each from top to bottom."""
    boxes = len(layers.boxes)
    for vertex in range(boxes, len(layers.row_of)):
        if vertex in layers.lanes or any(other >= boxes for other in layers.above[vertex]):
            continue
        column = [vertex]
        while follow := [other for other in layers.below[column[-1]] if other >= boxes]:
            column.append(follow[0])
        yield column
