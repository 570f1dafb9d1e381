"""``bpfsmt fuzz --museum``: how long until the historic faults are found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bpfsmt.cli.boundary import EXIT_INTERRUPTED, EXIT_PROVED, EXIT_UNKNOWN, clean, complain
from bpfsmt.cli.tables import console
from bpfsmt.fuzz.apart import run_apart
from bpfsmt.fuzz.campaign import executor
from bpfsmt.fuzz.finding import Oracle
from bpfsmt.fuzz.history import Hunt, Hunted, Times
from bpfsmt.fuzz.hunts import Hunts
from bpfsmt.fuzz.settings import Settings
from bpfsmt.rules.museum import MODULES
from bpfsmt.rules.registry import load_exhibit

PATIENCE = 1200.0
"""Seconds of processor time for one search: ten minutes on two cores."""


def history(
    names: Sequence[str], settings: Settings, seeds: int, seconds: float | None, jobs: int,
    dask: str | None, save: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Search for each exhibit with each seed, and tell the medians.

    The kernel is not asked: its rules are other ones.  What no program comes to is not
    searched for, and that is said.  Searches that are in the file ``save`` are not made again,
    others are added as they end.  Exit code 0 if all others are found by more than half of the
    searches, 3 if not.
    """
    every = {name: load_exhibit(name) for name in dict.fromkeys(names or MODULES)}
    names = [name for name, exhibit in every.items() if exhibit.reachable]
    beyond = {name: exhibit for name, exhibit in every.items() if not exhibit.reachable}
    asked = tuple(o for o in settings.oracles if o != Oracle.KERNEL.value)
    hunts = [
        Hunt(name, replace(settings, seed=settings.seed + n, oracles=asked), seconds or PATIENCE)
        for n in range(seeds)
        for name in names
    ]
    found: dict[str, list[Hunted]] = {name: [] for name in names}
    store, interrupted = Hunts(save), False
    known = [(hunt, store.find(hunt)) for hunt in hunts]
    kept = [hunted for _, hunted in known if hunted is not None]
    try:
        ended = _run([hunt for hunt, hunted in known if hunted is None], store, jobs, dask)
        for hunted in chain(kept, ended):
            found[hunted.exhibit].append(hunted)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        store.close()
    times = [Times(name, sorted(found[name], key=lambda h: h.seed)) for name in names]
    if as_json:
        click.echo(json.dumps({"interrupted": interrupted, "seeds": seeds, "kept": len(kept),
                               "exhibits": [t.to_json() for t in times],
                               "no program": {n: e.limits for n, e in beyond.items()}},
                              indent=2))  # fmt: skip
    else:
        _show(times, len(kept))
        for name, exhibit in beyond.items():
            console().print(clean(f"not searched for: {name}. {exhibit.limits}"), highlight=False)
    if interrupted:
        complain("interrupted" + ("; the same command goes on" if save else ""))
        return EXIT_INTERRUPTED
    return EXIT_PROVED if all(t.middle("programs") is not None for t in times) else EXIT_UNKNOWN


def _run(hunts: Sequence[Hunt], store: Hunts, jobs: int, dask: str | None) -> Iterator[Hunted]:
    if not hunts:
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    err = Console(stderr=True)
    with (
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress,
        executor(jobs, dask) as (pool, _),
    ):
        task = progress.add_task("", total=len(hunts))
        asked = {pool.submit(run_apart, hunt): hunt for hunt in hunts}
        for future in as_completed(asked):
            result, hunt = future.result(), asked[future]
            if isinstance(result, Hunted):
                store.keep(hunt, result)
            else:  # it found nothing, and the others go on; it is not kept
                seed = hunt.settings.seed
                complain(f"the search for {hunt.exhibit} with seed {seed} died: {result.text}")
                result = Hunted(hunt.exhibit, seed, 0, hunt.seconds, None)
            progress.update(task, advance=1, description=clean(result.exhibit))
            yield result


def _show(times: Sequence[Times], kept: int) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("exhibit", "found by", "rule and component", "searches"):
        table.add_column(name)
    for name in ("programs", "CPU s", "least", "most"):
        table.add_column(name, justify="right")
    for t in times:
        table.add_row(*map(clean, _row(t)))
    out = console()
    out.print(table)
    found = sum(t.middle("programs") is not None for t in times)
    earlier = f"; {kept} searches from earlier runs" if kept else ""
    out.print(f"{found} of {len(times)} found by more than half of the searches{earlier}")


def _row(t: Times) -> list[str]:
    first = t.found[0].found if t.found else None
    by = "" if first is None else f"{first.key.kind} ({first.shown.oracle.value})"
    at = "" if first is None else f"{first.key.rule} {first.key.component}"
    return [
        t.exhibit, by, at, f"{len(t.found)} of {len(t.hunts)}", _number(t.middle("programs"), 0),
        _number(t.middle("seconds"), 1),
        *(_number(end((h.seconds for h in t.found), default=None), 1) for end in (min, max)),
    ]  # fmt: skip


def _number(value: Any, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
