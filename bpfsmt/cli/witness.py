"""A witness as lines of text: enough to feed the same run to another machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from bpfsmt.cli.boundary import clean

LONG_RUN = 12
"""So many equal bytes in a row are written as a count.  JSON always has all bytes."""


def witness_lines(witness: Mapping[str, Any]) -> Iterator[str]:
    """The inputs of a whole run, or the numbers of a single step.

    >>> list(witness_lines({"r1": "5"}))
    ['step:   r1 = 5']
    """
    inputs = witness.get("inputs")
    if isinstance(inputs, Mapping):
        yield from _inputs(inputs)
    for name, value in sorted(witness.items()):
        if name != "inputs":
            yield clean(f"step:   {name} = {value}")


_EVENTS = {
    "call": "the helper returned", "load": "the map value held",
    "program": "another program ran, returned",
}  # fmt: skip


def _inputs(inputs: Mapping[str, Any]) -> Iterator[str]:
    yield f"input:  packet {packet_text(inputs['packet'])}"
    if inputs["meta"]:
        yield f"        metadata {packet_text(inputs['meta'])}"
    ctx = ", ".join(f"{name}={value}" for name, value in inputs["ctx"].items() if value)
    if ctx:
        yield f"        context {clean(ctx)}"
    for event in inputs["events"]:
        value = "an address" if event["value"] is None else f"{event['value']:#x}"
        wrote = f", wrote {event['out']}" if event["out"] else ""
        if event.get("packet"):
            wrote += f", left the packet at {event['packet'][1]}..{event['packet'][2]}"
        what = _EVENTS[event["kind"]]
        yield clean(f"        at {event['pc']} {what} {value}{wrote}")


def packet_text(packet: str) -> str:
    """A packet given in hex: its length and bytes, long runs of one byte shortened.

    >>> packet_text("0800" + 60 * "01" + "ff")
    '(63 bytes) 0800[60 x 01]ff'
    """
    parts = []
    for byte, run in itertools.groupby(bytes.fromhex(packet)):
        length = len(list(run))
        parts.append(f"[{length} x {byte:02x}]" if length >= LONG_RUN else f"{byte:02x}" * length)
    return f"({len(packet) // 2} bytes) {''.join(parts)}".rstrip()
