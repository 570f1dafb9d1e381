"""A finding as text: its program as assembly, and the rest as JSON.  Both can be read back."""

from __future__ import annotations

from typing import Any

from bpfsmt.crosscheck.witness import Event, Witness
from bpfsmt.fuzz.finding import Found, Key, Oracle, Shown
from bpfsmt.program import load_asm


def witness_from(data: dict[str, Any] | None) -> Witness | None:
    """The inverse of `Witness.to_json`."""
    if data is None:
        return None
    events = tuple(map(_event, data["events"]))
    return Witness(bytes.fromhex(data["packet"]), bytes.fromhex(data["meta"]), data["ctx"], events)


def _event(data: dict[str, Any]) -> Event:
    packet = data.get("packet")
    marks = None if packet is None else (packet[0], packet[1], packet[2])
    return Event(data["kind"], data["pc"], data["value"], bytes.fromhex(data["out"]), marks)


def to_json(found: Found) -> dict[str, Any]:
    """The finding without its program."""
    shown = found.shown
    return {
        "rules": found.rules, "batch": found.batch, "index": found.index, "times": found.times,
        "least": found.least, "kind": shown.key.kind, "rule": shown.key.rule,
        "component": shown.key.component, "oracle": shown.oracle.value, "pc": shown.pc,
        "cause": shown.cause,
        "text": shown.text, "witness": shown.witness.to_json() if shown.witness else None,
    }  # fmt: skip


def from_json(data: dict[str, Any], program: str, name: str = "generated") -> Found:
    """A finding again, from its parts."""
    key = Key(data["kind"], data["rule"], data["component"])
    witness = witness_from(data["witness"])
    oracle = Oracle(data["oracle"])
    shown = Shown(key, oracle, data["pc"], data["text"], witness, data["cause"])
    return Found(
        data["rules"], data["batch"], data["index"], load_asm(program, name), shown,
        data["times"], data["least"],
    )  # fmt: skip
