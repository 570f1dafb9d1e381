"""``bpfsmt supported``: what the verifier here models, and what it answers with *unsupported*.

The list is made from the data that the verifier runs on: program types with their contexts,
helpers with their prototypes, map types.
"""

from __future__ import annotations

import json

import click

from bpfsmt.cli.common import json_option
from bpfsmt.isa import HELPER_NAMES
from bpfsmt.program.program import ProgramType
from bpfsmt.rules import rule_set, rule_set_names
from bpfsmt.semantics.context import LAYOUTS
from bpfsmt.semantics.prototypes import ALLOWED, PROTOTYPES
from bpfsmt.verifier.linux import NOT_MODELLED


@click.command()
@json_option
def supported(as_json: bool) -> int:
    """List what the Linux rule sets model and what they do not.

    What is not modelled is never guessed at: the verdict is then *unsupported*, with what
    and where.
    """
    found = inventory()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return 0
    for title, items in found.items():
        click.echo(f"{title} ({len(items)})")
        for line in _wrapped(items):
            click.echo(f"  {line}")
    return 0


def inventory() -> dict[str, list[str]]:
    """What is supported and what is not, by subject."""
    modelled = {p.name for p in PROTOTYPES.values() if not p.unmodelled}
    linux = [name for name in rule_set_names() if rule_set(name).policy.walk == "linux"]
    found = {
        "rule sets with the Linux walk": linux,
        "program types": [kind.value for kind in ProgramType if kind in LAYOUTS],
        "helpers": sorted(modelled),
    }
    for kind, names in ALLOWED.items():
        found[f"helpers of {kind.value}"] = sorted(names & modelled)
    found["helpers not supported"] = sorted(set(HELPER_NAMES.values()) - modelled)
    found["not supported"] = [f"{what}: {why}" for what, why in NOT_MODELLED.items()]
    return found


def _wrapped(items: list[str], width: int = 96) -> list[str]:
    if any(" " in item for item in items):
        return items
    lines = [""]
    for item in items:
        if len(lines[-1]) + len(item) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {item}".strip()
    return lines
