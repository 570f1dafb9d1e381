"""From a compiled file to its tests: programs with what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bpfsmt.agree.selftests.clang import Compiled
from bpfsmt.agree.selftests.core import outside_core, skipped_outside_core
from bpfsmt.agree.selftests.expect import Expected, read_expected
from bpfsmt.program.elf_object import load_elf
from bpfsmt.program.program import Program


@dataclass(frozen=True, slots=True)
class Selftest:
    """One test: a program of one file.

    ``program`` is `None` where it could not be had, for the reason in ``skipped``.
    ``outside`` says why it is not of the core class, "" if it is as far as can be seen before
    a kernel has answered.
    """

    file: str
    name: str
    section: str
    expected: Expected
    program: Program | None = None
    skipped: str = ""
    outside: str = ""


def read_object(compiled: Compiled) -> list[Selftest]:
    """The tests of a compiled file, auxiliary programs among them.

    Raises `LoadError` where the object as a whole is no good.
    """
    if compiled.object is None:
        return []
    file = compiled.source.stem
    data = compiled.object.read_bytes()
    expected = read_expected(data)
    loaded = load_elf(data, str(compiled.source), empty=True)
    found = [_loaded(file, p, expected.get(p.name), compiled.functions) for p in loaded.programs]
    for label, why in loaded.skipped:
        section, _, name = label.rpartition(": ")
        outside = skipped_outside_core(section, why)
        wanted = expected.get(name, Expected())
        found.append(Selftest(file, name, section, wanted, None, why, outside))
    return found


def _loaded(
    file: str, program: Program, expected: Expected | None, failed: dict[str, str]
) -> Selftest:
    expected = expected or Expected()
    program = replace(program, flags=program.flags | expected.flags)
    for function in program.functions.values():
        if function in failed or "" in failed:
            why = f"not compiled: {failed.get(function) or failed['']}"
            return Selftest(file, program.name, program.section, expected, None, why)
    outside = outside_core(program)
    return Selftest(file, program.name, program.section, expected, program, "", outside)
