"""A comparison as plain data: enough to run it again by hand."""

from __future__ import annotations

from typing import Any

from bpfsmt.conformance.case import Agreement, Checked
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program.text import program_text


def to_json(checked: Checked) -> dict[str, Any]:
    """The case, what it came to and, if it differs, all that shows it (bytes as hex)."""
    case = checked.case
    found: dict[str, Any] = {
        "group": case.group,
        "name": case.name,
        "agreement": checked.agreement.value,
        "pairs": checked.pairs,
        "why": checked.why,
    }
    if checked.agreement is Agreement.DIFFERENT:
        last = checked.differences[0].input
        found["differences"] = [
            {
                "input": d.input,
                "what": d.what,
                "machine": d.machine,
                "kernel": d.kernel,
                "engine": d.engine,
            }
            for d in checked.differences
        ]
        found["program"] = program_text(case.program)
        found["inputs"] = [_input(each) for each in case.inputs[: last + 1]]
    return found


def _input(inputs: RunInput) -> dict[str, Any]:
    return {
        "packet": inputs.packet.hex(),
        "data_meta": inputs.data_meta.hex(),
        "ctx": dict(inputs.ctx),
        "maps": {
            name: {key.hex(): value.hex() for key, value in entries.items()}
            for name, entries in inputs.maps.items()
        },
        "programs": {
            name: {index: program.name for index, program in programs.items()}
            for name, programs in inputs.programs.items()
        },
    }
