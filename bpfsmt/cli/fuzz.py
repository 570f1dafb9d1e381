"""``bpfsmt fuzz``: campaigns of generated programs against every oracle."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bpfsmt.cli.common import Seconds, json_option
from bpfsmt.errors import BpfsmtError

DEFAULT_PROGRAMS = 1000
"""For each rule set, where neither a number nor a time is given."""


@click.command()
@click.argument("what", nargs=-1, metavar="[CAMPAIGN | NAME...]")
@click.option(
    "--rules", "-r", "specs", multiple=True, default=("linux-6.12",), show_default=True,
    metavar="NAME|FILE.py", help="A rule set; may be given more than once.",
)  # fmt: skip
@click.option("--programs", "-n", type=click.IntRange(1), help="For each rule set, 1000.")
@click.option("--time", "seconds", type=Seconds(), help="No new batch after so many seconds.")
@click.option("--batch", "size", type=click.IntRange(1, 10_000), default=50, show_default=True,
              help="Programs in a batch: what is done at once, and kept or lost.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draw others.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; as many as cores.")
@click.option("--dask", metavar="ADDRESS", help="Run on the cluster of this Dask scheduler.")
@click.option(
    "--oracle", "-o", "oracles", multiple=True,
    type=click.Choice(["machine", "step", "z3", "kernel"]),
    help="Ask only these; all, but the kernel only where it can be asked.",
)  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(1, 86_400), metavar="SECONDS",
    help="Processor time after which a batch is ended, and that is a finding: by default 60, and "
    "6 for each program.  So is a batch that waits for as long.",
)  # fmt: skip
@click.option("--source", help="Where programs come from: guided; with --museum, mixed.")
@click.option("--export", "folder", type=click.Path(path_type=Path), metavar="DIR",
              help="Write the findings of CAMPAIGN as cases.")  # fmt: skip
@click.option("--replay", "case", type=click.Path(path_type=Path), metavar="FILE.bpfasm",
              help="Ask again what a case was found by.")  # fmt: skip
@click.option("--museum", is_flag=True, help="How long until the exhibits NAME (all) are found.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True,
              help="With --museum: searches for each.")  # fmt: skip
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="With --museum: keep searches here, and go on with them.",
)  # fmt: skip
@json_option
def fuzz(
    what: tuple[str, ...],
    specs: tuple[str, ...],
    programs: int | None,
    seconds: float | None,
    size: int,
    seed: int,
    jobs: int | None,
    dask: str | None,
    oracles: tuple[str, ...],
    limit: int | None,
    source: str | None,
    folder: Path | None,
    case: Path | None,
    museum: bool,
    seeds: int,
    save: Path | None,
    as_json: bool,
) -> int:
    """Bring generated programs before every oracle, and keep what they find in CAMPAIGN.

    The abstract verifier says what it believes of each program; the machine runs it, Z3 is
    asked about a share, the running kernel about all where it can be.  Findings are made small
    and told apart by rule and component.  The same seed gives the same findings.  A CAMPAIGN
    that is there already is gone on with; without one nothing is kept.

    A finding that is gone once a fault is taken away that the release is known to have is
    known, and told apart.

    Exits with 0 if nothing unexplained is found, 1 for findings that are, 2 for bad usage, 3 if
    something that was asked has no answer, 130 after Ctrl-C (the same command goes on).
    """
    if not museum and len(what) > 1:
        raise click.UsageError("one CAMPAIGN")
    if folder is not None and (museum or not what):
        raise click.UsageError("--export needs a CAMPAIGN")
    if save is not None and not museum:
        raise click.UsageError("--save is for --museum; a CAMPAIGN is a file by itself")
    try:
        from bpfsmt.cli import fuzz_history, fuzz_run, fuzz_text
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise BpfsmtError("campaigns need hypothesis: install bpfsmt[generate]") from None

    if case is not None:
        return fuzz_text.replay_case(case, as_json)
    path = Path(what[0]) if what else None
    if folder is not None and path is not None:
        return fuzz_text.export_to(path, folder, as_json)
    source = source or ("mixed" if museum else "guided")
    settings = fuzz_run.settings_of(seed, size, oracles, source, limit or 0)
    at_once = jobs or os.cpu_count() or 1
    if museum:
        return fuzz_history.history(what, settings, seeds, seconds, at_once, dask, save, as_json)
    if programs is None and seconds is None:
        programs = DEFAULT_PROGRAMS
    plan = fuzz_run.Plan(settings, tuple(dict.fromkeys(specs)), programs, seconds)
    return fuzz_run.run_campaign(plan, path, at_once, dask, as_json)
