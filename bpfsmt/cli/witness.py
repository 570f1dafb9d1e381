"""A witness as lines of text: enough to feed the same run to another machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bpfsmt.cli.boundary import clean


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
        what = "the helper returned" if event["kind"] == "call" else "the map value held"
        yield clean(f"        at {event['pc']} {what} {value}{wrote}")


def packet_text(packet: str) -> str:
    """A packet given in hex: its length and its bytes, zeros at its end only counted.

    >>> packet_text("0800450000000000")
    '(8 bytes) 080045 and 5 zeros'
    """
    data = bytes.fromhex(packet)
    head = data.rstrip(b"\0")
    zeros = len(data) - len(head)
    parts = [f"({len(data)} bytes)", head.hex(), f"and {zeros} zeros" if head and zeros else ""]
    if zeros and not head:
        parts[1] = "all zero"
    return " ".join(part for part in parts if part)
