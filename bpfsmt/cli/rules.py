"""``bpfsmt rules``: which rule sets there are, and what their rules say."""

from __future__ import annotations

import json
from typing import Any

import click

from bpfsmt.cli.boundary import EXIT_PROVED, clean
from bpfsmt.cli.common import json_option
from bpfsmt.rules import RuleSet, RuleSetError, load_rules, rule_set, rule_set_names
from bpfsmt.rules.museum import exhibits


@click.command()
@click.argument("name", required=False, metavar="[NAME|FILE.py]")
@click.option(
    "--show", metavar="RULE", help="Print the text of one rule (of xdp-paper by default)."
)
@json_option
def rules(name: str | None, show: str | None, as_json: bool) -> int:
    """List the rule sets, the rules of one of them, or one rule's text."""
    if show is not None:
        click.echo(_text(load_rules(name or "xdp-paper"), show))
    elif name is None:
        _list(as_json)
    else:
        _describe(load_rules(name), as_json)
    return EXIT_PROVED


def _text(chosen: RuleSet, name: str) -> str:
    found = chosen.linked.rules.get(name)
    if found is None:
        raise RuleSetError(f"{chosen.name} has no rule {name}")
    return found.source.text.strip("\n")


def _list(as_json: bool) -> None:
    sets = [rule_set(name) for name in rule_set_names()]
    if as_json:
        sets += [e.rules for e in exhibits()]
        click.echo(json.dumps([_to_json(one) for one in sets], indent=2))
        return
    for one in sets:
        base = f" (from {one.base.name})" if one.base else ""
        click.echo(f"{one.name}{base}: {clean(one.doc)}")
    for e in exhibits():
        click.echo(f"{e.rules.name} (from {e.base.name}): {e.number}, {e.title}")


def _describe(chosen: RuleSet, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_to_json(chosen), indent=2))
        return
    click.echo(f"{clean(chosen.name)}: {clean(chosen.doc)}".removesuffix(": "))
    if chosen.base is not None:
        click.echo(f"overrides of {clean(chosen.base.name)}: {', '.join(chosen.changed) or 'none'}")
    for name, one in sorted(chosen.linked.rules.items()):
        parameters = ", ".join(f"{param}: {kind}" for param, kind in one.params)
        click.echo(f"  {name}({parameters}) -> {one.result}")


def _to_json(chosen: RuleSet) -> dict[str, Any]:
    return {
        "name": chosen.name,
        "doc": chosen.doc,
        "base": chosen.base.name if chosen.base else None,
        "changed": list(chosen.changed) if chosen.base else [],
        "rules": sorted(chosen.linked.rules),
        "fingerprint": chosen.fingerprint,
    }
