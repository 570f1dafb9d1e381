"""``bpfsmt generate``: programs that a verifier mostly accepts, and what they reach."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpfsmt.agree.compare import Agreement, compare
from bpfsmt.cli.agreement import progress
from bpfsmt.cli.boundary import EXIT_INTERRUPTED, EXIT_PROVED, EXIT_REFUTED, worst
from bpfsmt.cli.common import json_option
from bpfsmt.cli.generate_text import differences_json, show
from bpfsmt.cli.tables import console
from bpfsmt.domain.analysis import Analysis
from bpfsmt.errors import BpfsmtError
from bpfsmt.kernel.oracle import Oracle, oracle
from bpfsmt.program import Program
from bpfsmt.rules import RuleSet, load_rules

if TYPE_CHECKING:
    from bpfsmt.generate.coverage import Coverage


@dataclass
class Kernel:
    """What a kernel said of the programs: how many it accepts, and where we differ."""

    oracle: Oracle
    asked: int = 0
    accepted: int = 0
    different: dict[str, str] = field(default_factory=dict)

    def ask(self, program: Program, analysis: Analysis) -> None:
        """Have the kernel verify a program, and compare the verdicts."""
        result = self.oracle.load(program)
        compared = compare(replace(analysis, visits=[]), result)
        self.asked += 1
        self.accepted += result.accepted
        if compared.agreement is not Agreement.SAME:
            self.different[program.name] = compared.cause


@click.command()
@click.option("--count", "-n", type=click.IntRange(1, 10**7), default=200, show_default=True,
              help="So many programs.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Other programs.")
@click.option(
    "--rules", "-r", default="linux-6.12", show_default=True, metavar="NAME|FILE.py",
    help="The rule set whose verifier guides, and that coverage is of.",
)  # fmt: skip
@click.option(
    "--maker", default="guided", show_default=True,
    type=click.Choice(["guided", "targeted", "mixed", "scalar"]),
    help="How they are made: by the verifier's states, the same pushed towards deep and loose "
    "claims, or by the two strategies that know little.",
)  # fmt: skip
@click.option("--feature", "-f", "features", multiple=True, metavar="NAME",
              help="Only with these (guided; again and again).  [default: all]")  # fmt: skip
@click.option("--out", "-o", type=click.Path(file_okay=False, path_type=Path),
              help="Write each program into this folder, as assembly text.")  # fmt: skip
@click.option("--oracle", "oracle_name", metavar="kernel|vm:RELEASE",
              help="Have a kernel verify them too, and tell where verdicts differ.")  # fmt: skip
@click.option("--missing", is_flag=True, help="List what was not reached.")
@json_option
def generate(
    count: int,
    seed: int,
    rules: str,
    maker: str,
    features: tuple[str, ...],
    out: Path | None,
    oracle_name: str | None,
    missing: bool,
    as_json: bool,
) -> int:
    """Generate programs, verify them, and measure what they reach.

    The same seed gives the same programs.  Coverage is of kinds of instructions (operation,
    width, operand), of rules, and of both outcomes of every condition in a rule.

    Exits with 0, 1 if a kernel was asked and its verdict differs, 2 for bad usage or input.
    """
    try:
        from bpfsmt.generate.coverage import Coverage
    except ModuleNotFoundError:
        raise BpfsmtError("generated programs need hypothesis: install bpfsmt[generate]") from None
    chosen = load_rules(rules)
    kernel = Kernel(oracle(oracle_name)) if oracle_name else None
    coverage, codes = Coverage(chosen), {EXIT_PROVED}
    start = time.perf_counter()
    try:
        _measure(chosen, coverage, (count, seed, maker, features), out, kernel)
    except KeyboardInterrupt:
        codes.add(EXIT_INTERRUPTED)
    seconds = time.perf_counter() - start
    if kernel is not None and kernel.different:
        codes.add(EXIT_REFUTED)
    if as_json:
        click.echo(json.dumps(_to_json(coverage, kernel, maker, seed, seconds), indent=2))
    else:
        show(coverage, console(), kernel=kernel, maker=maker, seconds=seconds, missing=missing)
    return worst(codes)


def _measure(
    rules: RuleSet,
    coverage: Coverage,
    wanted: tuple[int, int, str, tuple[str, ...]],
    out: Path | None,
    kernel: Kernel | None,
) -> None:
    """Make the programs, and count each, write it, ask the kernel."""
    from bpfsmt.generate.corpus import corpus, write

    count, seed, maker, features = wanted
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    made = corpus(rules, count, seed, maker, features or None)
    for program in progress(made, count, "generating"):
        analysis = coverage.add(program)
        if out is not None:
            write(program, out, f"{rules.name}: {analysis.verdict.outcome.value}")
        if kernel is not None:
            kernel.ask(program, analysis)


def _to_json(
    coverage: Coverage, kernel: Kernel | None, maker: str, seed: int, seconds: float
) -> dict[str, Any]:
    return {
        "maker": maker,
        "seed": seed,
        **coverage.to_json(),
        "kernel": differences_json(kernel),
        "seconds": round(seconds, 3),
    }
