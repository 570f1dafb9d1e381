"""``bpfsmt selftests``: the kernel's own tests of its verifier, scored against ours."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from bpfsmt.agree.choice import rules_for
from bpfsmt.agree.compare import Compared
from bpfsmt.agree.pool import Answer, run
from bpfsmt.agree.score import Score, percent, score
from bpfsmt.agree.selftests import (
    BTF_POINTER,
    Compiled,
    Selftest,
    compile_file,
    find_clang,
    read_object,
    read_tree,
)
from bpfsmt.cli.agreement import (
    agreement_options,
    codes_of,
    first_bug,
    processes,
    progress,
    show_causes,
    show_differences,
    show_score,
)
from bpfsmt.cli.boundary import complain, describe, worst
from bpfsmt.cli.common import json_option
from bpfsmt.cli.tables import console
from bpfsmt.errors import BpfsmtError
from bpfsmt.kernel.oracle import oracle
from bpfsmt.rules import load_rules


@dataclass(slots=True)
class Scored:
    """All tests of a run, with what became of each."""

    tests: list[Selftest]
    compiled: list[Compiled]
    answers: dict[int, Answer] = field(default_factory=dict)
    interrupted: bool = False

    def outside(self, index: int) -> str:
        """Why a test is not of the core class, "" if it is."""
        test, answer = self.tests[index], self.answers.get(index)
        return test.outside or (BTF_POINTER if answer and answer.btf else "")

    def score(self, *, core: bool) -> Score:
        """The counts of the core class, or of all others."""
        compared: list[Compared] = []
        lost: dict[str, str] = {}
        for index, test in enumerate(self.tests):
            if (self.outside(index) == "") is not core:
                continue
            name, answer = f"{test.file}:{test.name}", self.answers.get(index)
            if answer is not None and answer.compared is not None:
                compared.append(replace(answer.compared, name=name))
            elif answer is not None or test.skipped:
                lost[name] = test.skipped or (answer.error if answer else "")
        return score(compared, lost)


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES...]")
@click.option(
    "--kernel-tree", "tree", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="The source tree of a Linux that has tools/testing/selftests/bpf.",
)  # fmt: skip
@click.option("--clang", default="clang", show_default=True, help="The compiler.")
@agreement_options
@json_option
def selftests(
    files: tuple[str, ...],
    tree: Path,
    clang: str,
    rules: str | None,
    oracle_name: str,
    every: bool,
    strict: bool,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Score our verifier by the kernel's own tests of its verifier.

    Compiles progs/verifier_*.c of the tree (or FILES: paths, or names there), loads every
    program into a kernel, verifies it with our rules, and compares: with the kernel, and
    with what the test's author expects.  What cannot be compiled or loaded is reported.

    Exits with 0 if all verdicts of the core class agree (--strict: and all reasons and
    states), 1 if something differs, 2 for bad usage or input, 3 if something was not
    supported or could not be compared.
    """
    start = time.perf_counter()
    kernel = oracle(oracle_name)
    chosen = rules or rules_for(kernel.release)
    load_rules(chosen)  # the workers need it; here it is told where there is none
    errors: list[Exception] = []
    with tempfile.TemporaryDirectory(prefix="bpfsmt-") as folder:
        out = Path(folder)
        found, compiler = read_tree(tree, out), find_clang(clang)
        sources = found.sources(files)
        workers = processes(jobs)
        with ThreadPoolExecutor(workers) as pool:
            made = pool.map(lambda source: compile_file(compiler, found, source, out), sources)
            compiled = list(progress(iter(made), len(sources), "compiling"))
        scored = Scored(_read(compiled, errors), compiled)
    programs = [(n, test.program) for n, test in enumerate(scored.tests) if test.program]
    answers = run(programs, kernel, chosen, workers)
    _collect(scored, progress(answers, len(programs), "verifying"))
    seconds = time.perf_counter() - start
    if as_json:
        click.echo(json.dumps(_to_json(scored, kernel.release, chosen, seconds), indent=2))
    else:
        _show(scored, every=every)
        click.echo(f"{seconds:.1f} s with {chosen}, against Linux {kernel.release}")
    for error in errors:
        complain(describe(error))
    if bug := first_bug(list(scored.answers.values())):
        click.echo(bug, err=True)
    core = scored.score(core=True)
    codes = codes_of(core, errors=bool(errors), interrupted=scored.interrupted, strict=strict)
    return worst(codes)


def _read(compiled: Sequence[Compiled], errors: list[Exception]) -> list[Selftest]:
    tests = []
    for each in compiled:
        try:
            tests += read_object(each)
        except BpfsmtError as error:
            errors.append(error)
    return tests


def _collect(scored: Scored, answers: Iterator[Answer]) -> None:
    try:
        for answer in answers:
            scored.answers[answer.index] = answer
    except KeyboardInterrupt:
        scored.interrupted = True


def _show(scored: Scored, *, every: bool) -> None:
    out = console()
    core = scored.score(core=True)
    show_causes(core.groups(), out, every=every)
    show_differences(core, out)
    outside = Counter(filter(None, map(scored.outside, range(len(scored.tests)))))
    others = ", ".join(f"{n} {why}" for why, n in outside.most_common())
    click.echo(f"\n{len(scored.tests)} programs, {core.total} of the core class; {others}")
    for each in scored.compiled:
        if each.error:
            click.echo(f"not compiled: {each.source.name}: {each.error}")
        for function, why in each.functions.items():
            click.echo(f"not compiled: {each.source.name}: {function or 'data'}: {why}")
    click.echo(f"as their authors expect: the kernel {percent(*_expected(scored, 'kernel'))}, "
               f"we {percent(*_expected(scored, 'ours'))}")  # fmt: skip
    show_score(core, out)


def _expected(scored: Scored, who: str) -> tuple[int, int]:
    """Of the core tests that expect something of the privileged load, how many get it."""
    good = total = 0
    for index, test in enumerate(scored.tests):
        answer, wanted = scored.answers.get(index), test.expected.privileged.success
        if wanted is None or answer is None or answer.compared is None or scored.outside(index):
            continue
        total += 1
        verdict = getattr(answer.compared, who)
        good += verdict.outcome.value == ("accept" if wanted else "reject")
    return good, total


def _to_json(scored: Scored, release: str, rules: str, seconds: float) -> dict[str, Any]:
    return {
        "kernel": release,
        "rules": rules,
        "core": scored.score(core=True).to_json(),
        "others": scored.score(core=False).to_json(),
        "tests": [_test_json(scored, n) for n in range(len(scored.tests))],
        "not_compiled": {c.source.name: c.error or c.functions
                         for c in scored.compiled if c.error or c.functions},
        "seconds": round(seconds, 3),
        "interrupted": scored.interrupted,
    }  # fmt: skip


def _test_json(scored: Scored, index: int) -> dict[str, Any]:
    test, answer = scored.tests[index], scored.answers.get(index)
    base = {
        "file": test.file,
        "program": test.name,
        "section": test.section,
        "description": test.expected.description,
        "expects": {True: "accept", False: "reject", None: None}[test.expected.privileged.success],
        "outside_core": scored.outside(index) or None,
        "skipped": test.skipped or (answer.error if answer else ""),
    }
    compared = answer.compared if answer else None
    return base | (compared.to_json() if compared else {})
