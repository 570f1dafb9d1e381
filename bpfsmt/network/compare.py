"""What a program made of a frame: the differences, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpfsmt.network.fields import Layer, layers, shown

_NEW_LAYER = 4
"""A layer more or less weighs as much as so many changed fields."""


def changes(before: bytes, after: bytes) -> list[str]:
    """What differs between two frames, one line for each field, new or missing layer.

    >>> from bpfsmt.network.frames import frame, ip, udp
    >>> packet = frame(ip("10.0.0.1", "10.0.0.2", udp(4000, 53)))
    >>> changes(packet, packet[:22] + bytes([63]) + packet[23:])
    ['ip.ttl: 64 -> 63']
    """
    if before == after:
        return []
    old, new = layers(before), layers(after)
    lines: list[str] = []
    for one, other in _aligned(old, new):
        if one is None:
            lines.append(f"+ {other}")
        elif other is None:
            lines.append(f"- {one}")
        elif one.name == "data":
            lines += _data_changes(before[one.start : one.end], after[other.start : other.end])
        else:
            lines += _field_changes(one, other)
    return lines or [f"bytes: {before.hex()} -> {after.hex()}"]


def _field_changes(one: Layer, other: Layer) -> list[str]:
    names = [*one.fields, *(name for name in other.fields if name not in one.fields)]
    return [
        f"{one.name}.{name}: {one.fields.get(name, 'none')} -> {other.fields.get(name, 'none')}"
        for name in names
        if one.fields.get(name) != other.fields.get(name)
    ]


def _data_changes(before: bytes, after: bytes) -> list[str]:
    if before == after:
        return []
    if len(before) != len(after):
        return [f"data: {len(before)} -> {len(after)} bytes: {shown(after)}"]
    places = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    first, last = places[0], places[-1] + 1
    old, new = shown(before[first:last]), shown(after[first:last])
    return [f"data[{first}:{last}]: {old} -> {new}"]


def _aligned(
    old: Sequence[Layer], new: Sequence[Layer]
) -> Iterator[tuple[Layer | None, Layer | None]]:
    """Which layer became which: the pairing with the fewest changes (edit distance)."""
    costs = [[_NEW_LAYER * (i + j) for j in range(len(new) + 1)] for i in range(len(old) + 1)]
    for i, one in enumerate(old, 1):
        for j, other in enumerate(new, 1):
            apart = _NEW_LAYER + min(costs[i - 1][j], costs[i][j - 1])
            costs[i][j] = min(apart, costs[i - 1][j - 1] + _distance(one, other))
    pairs: list[tuple[Layer | None, Layer | None]] = []
    i, j = len(old), len(new)
    while i or j:
        if i and j and costs[i][j] == costs[i - 1][j - 1] + _distance(old[i - 1], new[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((old[i], new[j]))
        elif j and costs[i][j] == costs[i][j - 1] + _NEW_LAYER:
            j -= 1
            pairs.append((None, new[j]))
        else:
            i -= 1
            pairs.append((old[i], None))
    return reversed(pairs)


def _distance(one: Layer, other: Layer) -> int:
    if one.name != other.name:
        return 1000
    return min(len(_field_changes(one, other)), 2 * _NEW_LAYER - 1)
