"""``bpfsmt selftests``: the kernel's own tests of its verifier, scored against ours."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from bpfsmt.agree.choice import rules_for
from bpfsmt.agree.pool import run
from bpfsmt.agree.saved import Saved
from bpfsmt.agree.score import percent
from bpfsmt.agree.selftests import (
    Compiled,
    Ran,
    Scored,
    Selftest,
    compile_file,
    find_clang,
    read_object,
    read_tree,
    run_test,
)
from bpfsmt.cli.agreement import (
    agreement_options,
    codes_of,
    finished,
    first_bug,
    open_saved,
    processes,
    progress,
    show_causes,
    show_differences,
    show_explained,
    show_score,
)
from bpfsmt.cli.boundary import clean, complain, describe, worst
from bpfsmt.cli.common import json_option
from bpfsmt.cli.tables import console
from bpfsmt.errors import BpfsmtError
from bpfsmt.kernel.oracle import Oracle, oracle
from bpfsmt.program.program import Program
from bpfsmt.rules import load_rules


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES...]")
@click.option(
    "--kernel-tree", "tree", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="The source tree of a Linux that has tools/testing/selftests/bpf.",
)  # fmt: skip
@click.option("--clang", default="", help="The compiler; by default clang, or the newest clang-N.")
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
    no_cache: bool,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Score our verifier by the kernel's own tests of its verifier.

    Compiles progs/verifier_*.c of the tree (or FILES: paths, or names there), loads every
    program into a kernel, verifies it with our rules, and compares: with the kernel, and
    with what the test's author expects.  Programs that are to return a value are test-run,
    nothing is attached.  What cannot be compiled or loaded is reported.  Every answer is kept
    as it comes: after Ctrl-C the same command goes on where it stopped.

    Exits with 0 if all verdicts of the core class agree (--strict: and all reasons and
    states), 1 if something differs, 2 for bad usage or input, 3 if something was not
    supported or could not be compared.
    """
    start = time.perf_counter()
    kernel = oracle(oracle_name)
    chosen = rules or rules_for(kernel.release)
    used = load_rules(chosen)
    workers = processes(jobs)
    errors: list[Exception] = []
    with tempfile.TemporaryDirectory(prefix="bpfsmt-") as folder:
        compiled = _compile(files, tree, clang, Path(folder), workers)
        scored = Scored(_read(compiled, errors), compiled)
    saved = open_saved(kernel, used, no_cache, lambda n: scored.tests[n].expected.privileged)
    try:
        _score(scored, kernel, chosen, workers, saved)
    except KeyboardInterrupt:
        scored.interrupted = True
    seconds = time.perf_counter() - start
    if as_json:
        plain = _to_json(scored, kernel.release, chosen, seconds)
        click.echo(json.dumps(plain | {"kept": saved.used if saved else 0}, indent=2))
    else:
        _show(scored, every=every)
        click.echo(f"{finished(seconds, saved)} with {chosen}, against Linux {kernel.release}")
    for error in errors:
        complain(describe(error))
    if bug := first_bug(list(scored.answers.values())):
        click.echo(bug, err=True)
    core = scored.score(core=True)
    codes = codes_of(core, errors=bool(errors), interrupted=scored.interrupted, strict=strict)
    return worst(codes)


def _compile(
    names: Sequence[str], root: Path, clang: str, out: Path, workers: int
) -> list[Compiled]:
    """Every file of the tree that is asked for, compiled."""
    tree, compiler = read_tree(root, out), find_clang(clang)
    sources = tree.sources(names)
    with ThreadPoolExecutor(workers) as pool:
        made = pool.map(lambda source: compile_file(compiler, tree, source, out), sources)
        return list(progress(iter(made), len(sources), "compiling"))


def _read(compiled: Sequence[Compiled], errors: list[Exception]) -> list[Selftest]:
    tests = []
    for each in compiled:
        try:
            tests += read_object(each)
        except BpfsmtError as error:
            errors.append(error)
    return tests


def _score(scored: Scored, kernel: Oracle, rules: str, workers: int, saved: Saved | None) -> None:
    """Ask the kernel and our verifier, then run what is to return a value."""
    programs = [(n, test.program) for n, test in enumerate(scored.tests) if test.program]
    answers = run(programs, kernel, rules, workers, scored.seen, saved)
    for answer in progress(answers, len(programs), "verifying"):
        scored.answers[answer.index] = answer
    to_run = scored.to_run()
    for index in progress(iter(to_run), len(to_run), "running"):
        test = scored.tests[index]
        wanted = test.expected.privileged.retval
        if test.program is not None and wanted is not None:
            scored.ran[index] = _ran(test.program, wanted, kernel, saved)


def _ran(program: Program, expected: int, kernel: Oracle, saved: Saved | None) -> Ran:
    found = None if saved is None else saved.find_run(program, expected)
    if found is None:
        found = run_test(program, expected, kernel)
        if saved is not None:
            saved.keep_run(program, expected, found)
    return found


def _show(scored: Scored, *, every: bool) -> None:
    out = console()
    core = scored.score(core=True)
    show_causes(core.groups(), out, every=every)
    show_differences(core, out)
    show_explained(core, out)
    others = ", ".join(f"{n} {why}" for why, n in scored.outsiders().most_common())
    click.echo(
        f"\n{len(scored.tests)} programs, {core.total} of the core class"
        + (f"; not of it: {others}" if others else "")
    )
    for each in scored.compiled:
        if each.error:
            click.echo(clean(f"not compiled: {each.source.name}: {each.error}"))
        for function, why in each.functions.items():
            click.echo(clean(f"not compiled: {each.source.name}: {function or 'data'}: {why}"))
    click.echo("as their authors expect (of the core class):")
    for what, numbers in _expectations(scored):
        click.echo(f"  {what:40}{percent(*numbers)}")
    show_causes(scored.not_modelled(), out, every=True)
    show_score(core, out)


def _expectations(scored: Scored) -> list[tuple[str, tuple[int, int]]]:
    return [
        ("the kernel's verdicts", scored.verdicts("kernel")),
        ("our verdicts", scored.verdicts("ours")),
        ("messages in the kernel's log", scored.messages()),
        ("our reasons of rejections", scored.reasons()),
        ("values that the kernel returns", scored.retvals("kernel")),
        ("values that our machine returns", scored.retvals("ours")),
        ("values that both return", scored.same_retvals()),
    ]


def _to_json(scored: Scored, release: str, rules: str, seconds: float) -> dict[str, Any]:
    return {
        "kernel": release,
        "rules": rules,
        "core": scored.score(core=True).to_json(),
        "others": scored.score(core=False).to_json(),
        "expected": {
            what: {"true": good, "of": total} for what, (good, total) in _expectations(scored)
        },
        "not_modelled": {group.cause.removeprefix("not modelled: "): list(group.names)
                         for group in scored.not_modelled()},
        "tests": [scored.test_json(n) for n in range(len(scored.tests))],
        "not_compiled": {c.source.name: c.error or c.functions
                         for c in scored.compiled if c.error or c.functions},
        "seconds": round(seconds, 3),
        "interrupted": scored.interrupted,
    }  # fmt: skip
