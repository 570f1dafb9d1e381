"""A selftest's C to an object, with whatever clang there is.

The selftests are written for the newest clang.  An older one compiles their C, but its
assembler does not know every instruction in them, such as ``r0 = *(s8 *)(r1 + 0)`` of
-mcpu=v4.  So C is compiled to assembly text first, its inline assembly unread; then the lines
that clang's assembler refuses, and only those, are encoded by ours.  What that cannot do
either is reported for the function it is in; the rest of the file is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from bpfsmt.agree.selftests.lower import encode_line, one_per_line
from bpfsmt.agree.selftests.tree import Tree
from bpfsmt.errors import LoadError

_SECONDS = 120
_TARGET = ("--target=bpfel", "-mcpu=v3")
"""The instruction set that the selftests' own Makefile asks for."""

_ERROR = re.compile(r"[^\n:]*:(\d+):\d+: (?:fatal )?error: (.*)")
_ANY_ERROR = re.compile(r"(?:fatal )?error: (.*)")
_FUNCTION = re.compile(r"\s*\.type\s+([\w.$]+),@function")
_PASSES = 8
"""Some errors come to light only when others are gone."""

_INSTEAD = "\t.8byte 0x95"
"""In place of a line that nobody can encode; the function counts as not compiled."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a source file.

    ``object`` is the ELF file, `None` if there is none because of ``error``.  ``functions``
    are those that did not compile although the file did, each with the reason; ``encoded``
    counts the lines that clang's assembler did not know and ours did.
    """

    source: Path
    object: Path | None
    error: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    encoded: int = 0


@dataclass(frozen=True, slots=True)
class Clang:
    """A clang that has a BPF target."""

    path: str
    version: str


def find_clang(command: str = "") -> Clang:
    """The compiler of that name; by default ``clang``, or else the newest ``clang-N``.

    Raises `LoadError` if it is not there or not fit.
    """
    path = shutil.which(command or "clang") or ("" if command else _newest())
    if not path:
        raise LoadError(f"{command or 'clang'}: not found; the selftests are compiled with clang")
    said = _run([path, "--version"])
    version = said.stdout.splitlines()[0] if said.stdout else "unknown"
    tried = _run([path, *_TARGET, "-x", "c", "-c", "/dev/null", "-o", "/dev/null"])
    if tried.returncode:
        raise LoadError(f"{path}: {_first_error(tried.stderr)} ({version})")
    return Clang(path, version)


def _newest() -> str:
    """The path of the ``clang-N`` with the highest N, "" if there is none."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    names = {path.name for folder in folders for path in folder.glob("clang-*")}
    versions = sorted((int(n[6:]) for n in names if n[6:].isdigit()), reverse=True)
    found = (shutil.which(f"clang-{version}") for version in versions)
    return next((path for path in found if path), "")


def compile_file(clang: Clang, tree: Tree, source: Path, out: Path) -> Compiled:
    """Compile one file of selftests to ``out/NAME.o``.

    Raises `LoadError` only where the compiler cannot be run at all.
    """
    text = out / f"{source.stem}.s"
    made = _run([clang.path, *_flags(tree), "-S", str(source), "-o", str(text)])
    if made.returncode:
        return Compiled(source, None, _first_error(made.stderr))
    lines = one_per_line(text.read_text(encoding="utf-8"))
    return _assemble(clang, source, lines, out)


def _flags(tree: Tree) -> list[str]:
    """As the selftests' own Makefile has them, but for what newer compilers need."""
    return [
        *_TARGET, "-g", "-O2", "-fno-integrated-as", "-Wno-everything",
        # What the tests ask this of is done by our assembler, if not by this clang's.
        "-U__clang_major__", "-D__clang_major__=18", "-DENABLE_ATOMICS_TESTS",
        *tree.defines,
        *(f"-I{folder}" for folder in tree.includes),
        *(word for folder in tree.last_includes for word in ("-idirafter", str(folder))),
    ]  # fmt: skip


def _assemble(clang: Clang, source: Path, lines: list[str], out: Path) -> Compiled:
    """The object from assembly text, with our assembler's help."""
    text, made = out / f"{source.stem}.s", out / f"{source.stem}.o"
    failed: dict[str, str] = {}
    encoded = 0
    command = [clang.path, *_TARGET, "-c", str(text), "-o", str(made)]
    for _ in range(_PASSES):
        text.write_text("\n".join(lines) + "\n", encoding="utf-8")
        said = _run(command)
        if said.returncode == 0:
            return Compiled(source, made, functions=failed, encoded=encoded)
        errors = {int(n): why for n, why in _ERROR.findall(said.stderr)}
        if not errors:
            return Compiled(source, None, _first_error(said.stderr))
        for number, why in errors.items():
            line = lines[number - 1]
            code = encode_line(line)
            if code is None:
                failed[_function_of(lines, number)] = f"{why}: {line.strip()}"
                code = _INSTEAD
            else:
                encoded += 1
            lines[number - 1] = code
    return Compiled(source, None, _first_error(said.stderr))


def _function_of(lines: list[str], number: int) -> str:
    """The function that a line is in, "" if in none."""
    for line in reversed(lines[:number]):
        if found := _FUNCTION.match(line):
            return found[1]
    return ""


def _first_error(stderr: str) -> str:
    """The first error with its place, or whatever there is."""
    for line in stderr.splitlines():
        if found := _ANY_ERROR.search(line):
            place = re.match(r"([^\s:]+):(\d+):", line)
            where = f" ({Path(place[1]).name}:{place[2]})" if place else ""
            return f"{found[1]}{where}"
    return stderr.strip().splitlines()[0] if stderr.strip() else "the compiler failed silently"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LoadError(f"{command[0]}: took more than {_SECONDS} s") from None
    except OSError as error:
        raise LoadError(f"{command[0]}: {error.strerror}") from None
