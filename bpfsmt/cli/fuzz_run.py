"""Running a campaign for ``bpfsmt fuzz``: all that needs hypothesis is behind this module."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from bpfsmt.cli.boundary import (
    EXIT_INTERRUPTED,
    EXIT_PROVED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    complain,
)
from bpfsmt.cli.fuzz_live import watching
from bpfsmt.cli.fuzz_text import campaign_json, show_campaign, unknowns
from bpfsmt.errors import OracleError
from bpfsmt.fuzz.campaign import Campaign, Plan, executor, identity
from bpfsmt.fuzz.finding import Oracle
from bpfsmt.fuzz.settings import ALL, Settings
from bpfsmt.fuzz.source import SOURCES
from bpfsmt.fuzz.store import Store
from bpfsmt.kernel import RunningKernel

__all__ = ["Plan", "run_campaign", "settings_of"]


def settings_of(
    seed: int, size: int, oracles: Sequence[str], source: str, limit: int = 0
) -> Settings:
    """The settings; the kernel is left out, and that is said, where it cannot be asked."""
    if source not in SOURCES:
        raise click.BadParameter(f"there are {', '.join(SOURCES)}", param_hint="--source")
    if Oracle.KERNEL.value in oracles:
        RunningKernel()
    if not oracles:
        try:
            RunningKernel()
        except OracleError as error:
            complain(f"the kernel is not asked: {error}")
            oracles = tuple(name for name in ALL if name != Oracle.KERNEL.value)
    chosen = tuple(name for name in ALL if not oracles or name in oracles)
    return Settings(seed=seed, size=size, source=source, oracles=chosen, limit=limit)


def run_campaign(plan: Plan, path: Path | None, jobs: int, dask: str | None, as_json: bool) -> int:
    """Run the campaign to its end or to Ctrl-C, and tell what is in its file then."""
    kernel = RunningKernel().release if plan.settings.asks(Oracle.KERNEL) else ""
    store = Store(path, identity(plan, kernel))
    if path is not None and (judged := sum(store.done(s).counts["programs"] for s in plan.rules)):
        complain(f"{path}: goes on; programs judged before: {judged}")
    interrupted = False
    try:
        with watching(plan) as tell, executor(jobs, dask) as (pool, at_once):
            campaign = Campaign(plan, store, tell)
            campaign.run(pool, at_once)
    except KeyboardInterrupt:
        interrupted = True
    try:
        if as_json:
            click.echo(json.dumps(campaign_json(store, plan.rules, interrupted), indent=2))
        else:
            show_campaign(store, plan.rules)
        found = any(not found.shown.cause for found in store.findings())
        open_ = unknowns(store, plan.rules)
    finally:
        store.close()
    if interrupted:
        complain("interrupted" + ("; the same command goes on" if path else ""))
        return EXIT_INTERRUPTED
    return EXIT_REFUTED if found else EXIT_UNKNOWN if open_ else EXIT_PROVED
