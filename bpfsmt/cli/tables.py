"""The cross-check's results for a reader: one table, and below it what needs a look."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bpfsmt.cli.boundary import clean
from bpfsmt.cli.results import Result, Results
from bpfsmt.cli.witness import witness_lines

WIDE = 240
"""Columns where the output goes to a file or a pipe: nothing is wrapped there."""

SHORT = 100
"""So much of an unknown claim is shown, unless all of it is asked for."""

_STYLES = {
    "accept": "green", "reject": "yellow", "unsupported": "magenta", "no report": "magenta",
    "refuted": "bold red", "unknown": "magenta", "proved": "green",
}  # fmt: skip


def console() -> Console:
    """Where tables go: stdout, as wide as the terminal."""
    out = Console(highlight=False, markup=False, emoji=False)
    return out if out.is_terminal else Console(
        highlight=False, markup=False, emoji=False, width=WIDE
    )  # fmt: skip


def show(results: Results, out: Console, *, verbose: bool) -> None:
    """Print everything: the table, the findings, the total."""
    if results.results:
        out.print(_table(results, verbose=verbose))
    for result in results.results:
        for line in _details(result, verbose=verbose):
            out.print(line, soft_wrap=True)
    out.print(total_line(results), soft_wrap=True)


def _table(results: Results, *, verbose: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("program", overflow="fold")
    for name in ("insns", "blocks"):
        table.add_column(name, justify="right")
    table.add_column("verdict", no_wrap=not verbose)
    for name in ("claims", "proved", "refuted", "unknown", "gap", "seconds"):
        table.add_column(name, justify="right")
    folder = _common_folder([result.file for result in results.results])
    for result in results.results:
        table.add_row(*_row(result, folder))
        if verbose:
            for check, answers in sorted(result.checks.items()):
                counts = [str(answers.get(word, 0)) for word in ("proved", "refuted", "unknown")]
                table.add_row(Text(f"  {check}", "dim"), "", "", "", "", *counts, "", "")
    return table


def _row(result: Result, folder: str) -> Sequence[Text | str]:
    label = Text(clean(_label(result, folder)))
    report = result.report
    if report is None:
        return label, "", "", Text("no report", _STYLES["no report"])
    counts = report["obligations"]
    return (
        label,
        str(report["instructions"]),
        str(report["blocks"]),
        _verdict(report),
        str(report["claims"]),
        str(counts["proved"]),
        Text(str(counts["refuted"]), _STYLES["refuted"] if counts["refuted"] else ""),
        Text(str(counts["unknown"]), _STYLES["unknown"] if counts["unknown"] else ""),
        _gap(report),
        f"{report['seconds']:.1f}",
    )


def _verdict(report: dict[str, Any]) -> Text:
    word = report["verdict"]
    shown = f"{word} ({report['settlement']})" if word == "reject" else word
    return Text(shown, _STYLES[word])


def _gap(report: dict[str, Any]) -> str:
    """The median gap in bits, a dash where nothing was measured."""
    median = report["precision"] and report["precision"]["median_bits"]
    return "-" if median is None else f"{median:.1f}"


def _common_folder(files: Sequence[str]) -> str:
    """The folder that all files are in, so that no line of the table need repeat it."""
    folders = {os.path.dirname(file) for file in files}
    try:
        return os.path.commonpath(folders) if len(set(files)) > 1 else ""
    except ValueError:  # an absolute and a relative one
        return ""


def _label(result: Result, folder: str) -> str:
    """The file, with the program's name where the file's does not say it."""
    file = os.path.relpath(result.file, folder) if folder else result.file
    return file if Path(file).stem == result.program else f"{file} {result.program}"


# Below the table


def _details(result: Result, *, verbose: bool) -> Iterator[Text]:
    where = clean(f"{result.file} {result.program}")
    if result.unexpected:
        yield _line("refuted", f"{where}: {result.unexpected}")
    if result.unknown:
        yield _line("unknown", f"{where}: {result.unknown}")
    if result.inferred:
        text = f"{where}: {_count(result.inferred, 'global obligation')}"
        yield _line("proved", text, result.inferred_why)
    if result.report is None:
        return
    if result.report["verdict"] == "reject":
        yield from _rejection(where, result.report)
    for finding in result.report["findings"]:
        if finding["check"] == "rejection":
            continue
        if finding["status"] == "refuted":
            yield from _refuted(where, finding)
        elif finding["status"] == "unknown":
            yield _unknown(where, finding, verbose=verbose)
    if result.report["verdict"] == "unsupported":
        yield _line("unknown", f"{where} at {result.report['pc']}: {result.report['reason']}")


_SETTLEMENTS = {
    "true": "the rejection is true: {why}",
    "false": "the rejection is false: the program is safe for all inputs",
    "form": "a rule about the program's form, and {claim}",
    "unknown": "whether the rejection is true is unknown: {why}",
}


def _rejection(where: str, report: dict[str, Any]) -> Iterator[Text]:
    """The reason of a rejection, how it was settled, and the input that shows it right."""
    reason = report["reason"] or report["kind"]
    yield _line("reject", f"{where} at {report['pc']}: {reason}")
    settled = next((f for f in report["findings"] if f["check"] == "rejection"), None)
    if settled is not None and report["settlement"] in _SETTLEMENTS:
        yield Text(f"    {clean(_SETTLEMENTS[report['settlement']].format(**settled))}")
        yield from (Text(f"    {line}") for line in witness_lines(settled["witness"]))


def _refuted(where: str, finding: dict[str, Any]) -> Iterator[Text]:
    """The claim, the input that leaves it, and how the replay went."""
    yield _line("refuted", f"{where} at {finding['pc']}: {finding['check']}")
    yield Text(f"    claim:  {clean(finding['claim'])}")
    yield from (Text(f"    {line}") for line in witness_lines(finding["witness"]))
    how = "replay" if finding["replayed"] else "why"
    yield Text(f"    {how + ':':8}{clean(finding['why'])}")


def _unknown(where: str, finding: dict[str, Any], *, verbose: bool) -> Text:
    """What is not known, and why."""
    claim = finding["claim"]
    if len(claim) > SHORT and not verbose:
        claim = f"{claim[:SHORT]}..."
    text = f"{where} at {finding['pc']}: {finding['check']}" + (f": {claim}" if claim else "")
    return _line("unknown", text, finding["why"])


def _line(word: str, text: str, why: str = "") -> Text:
    return Text.assemble(
        (word, _STYLES[word]), f" {clean(text)}", f" ({clean(why)})" if why else ""
    )


def total_line(results: Results) -> str:
    """The sums in one sentence."""
    total = results.total()
    settled = _counts(total["rejections"], zeros=False)
    verdicts = _counts(total["verdicts"], zeros=False) + (f": {settled}" if settled else "")
    answers = _counts(total["obligations"])
    parts = [
        f"{_count(total['programs'], 'program')}" + (f" ({verdicts})" if verdicts else ""),
        f"{_count(total['claims'], 'claim')}",
        f"{_count(sum(total['obligations'].values()), 'obligation')}: {answers}"
        + (f" ({total['inferred']} of the global ones by induction)" if total["inferred"] else ""),
        *([f"{total['unexpected']} not as expected"] if total["unexpected"] else []),
        *([_count(total["bad_inputs"], "bad input")] if total["bad_inputs"] else []),
        f"{total['seconds']:.1f} s with {clean(results.rules)}",
    ]
    return "; ".join(parts)


def _counts(numbers: Mapping[str, int], *, zeros: bool = True) -> str:
    return ", ".join(f"{n} {word}" for word, n in numbers.items() if n or zeros)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
