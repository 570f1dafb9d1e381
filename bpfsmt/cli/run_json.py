"""What ``bpfsmt run --json`` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bpfsmt.network.beside import steps
from bpfsmt.network.compare import changes
from bpfsmt.network.contents import lines
from bpfsmt.network.loaded import Loaded
from bpfsmt.network.runner import Ran, Runner


def ran_to_json(ran: Ran, loaded: Loaded, *, trace: bool) -> dict[str, Any]:
    """One packet; bytes are hexadecimal."""
    result = ran.result
    found: dict[str, Any] = {
        "number": ran.number,
        "time_ns": ran.time,
        "in": ran.before.hex(),
        "out": ran.after.hex(),
        "metadata": result.data_meta.hex(),
        "outcome": result.outcome,
        "action": result.action,
        "answer": None if result.r0 is None else result.r0 & 0xFFFFFFFF,
        "redirect": ran.where,
        "goes_on": ran.goes_on,
        "changes": changes(ran.before, ran.after),
        "instructions": result.steps,
        "problem": result.problem,
        "records": [{"map": record.map, "data": record.data.hex()} for record in ran.records],
        "refuted": [asdict(violation) for violation in ran.violations],
    }
    if trace and result.trace is not None:
        found["trace"] = [asdict(view) for view in steps(result.trace, loaded.analysis)]
    return found


def totals_to_json(runner: Runner, *, everything: bool) -> dict[str, Any]:
    """Counts, printed lines and maps."""
    verdict = runner.loaded.analysis.verdict
    return {
        "program": runner.loaded.name,
        "type": runner.loaded.program.type.value,
        "verdict": verdict.outcome.value,
        "rules": runner.loaded.analysis.producer,
        "frames": runner.frames,
        "instructions": runner.steps,
        "actions": dict(sorted(runner.totals.items())),
        "checked": runner.checked if runner.check else None,
        "refuted": runner.refuted if runner.check else None,
        "printed": [printed.text for printed in runner.env.printed],
        "maps": {
            each.definition.name: {
                "type": each.definition.type,
                "entries": [asdict(line) for line in lines(each, zeros=everything)],
            }
            for each in runner.env.user_maps()
        },
    }
