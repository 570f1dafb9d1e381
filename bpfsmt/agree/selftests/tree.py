"""A kernel's source tree: where its selftests are, and what they include.

Needed of the tree are ``tools/testing/selftests/bpf``, ``tools/lib/bpf``, ``tools/include``,
``scripts/bpf_doc.py`` and the headers under ``tools/arch``.  For the last two there may be an
installed libbpf that declares the same helpers, and the system's own headers.  ``vmlinux.h``,
which a build would make from the running kernel's types, is a small one of our own here.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bpfsmt.errors import LoadError

_TESTS = Path("tools/testing/selftests/bpf")
_HELPERS = "bpf_helper_defs.h"
_ARCHITECTURES = {
    "x86_64": ("x86", "__x86_64__"),
    "aarch64": ("arm64", "__aarch64__"),
    "riscv64": ("riscv", "__riscv"),
}
_SECONDS = 60
_INSTALLED = Path("/usr/include/bpf") / _HELPERS
_NAMED = re.compile(r"^\tFN\(\w+, ([1-9]\d*), ##ctx\)", re.MULTILINE)
_DECLARED = re.compile(r"\(void \*\) (\d+);")


@dataclass(frozen=True, slots=True)
class Tree:
    """What the compiler needs to know: include folders in their order, and macros."""

    root: Path
    includes: tuple[Path, ...]
    last_includes: tuple[Path, ...]
    defines: tuple[str, ...]

    @property
    def programs(self) -> Path:
        """The folder of the tests' sources."""
        return self.root / _TESTS / "progs"

    def sources(self, names: Sequence[str] = ()) -> list[Path]:
        """The files ``verifier_*.c``, or those named: a path, a name or a pattern in the folder.

        Raises `LoadError` for a name that is none.
        """
        if not names:
            return self._all()
        found: dict[Path, None] = {}
        for name in names:
            here = Path(name)
            matches = [here] if here.is_file() else self._named(name)
            if not matches:
                raise LoadError(f"{name}: no file, and none of that name in {self.programs}")
            found.update(dict.fromkeys(matches))
        return list(found)

    def _all(self) -> list[Path]:
        files = sorted(self.programs.glob("verifier_*.c"))
        if not files:
            raise LoadError(f"{self.programs}: no verifier_*.c (a Linux before 6.4?)")
        return files

    def _named(self, name: str) -> list[Path]:
        pattern = name if name.endswith(".c") else f"{name}.c"
        try:
            return sorted(self.programs.glob(pattern))
        except (ValueError, NotImplementedError):
            return []


def read_tree(root: Path, out: Path) -> Tree:
    """Look at a tree; what is made from it is put into ``out``.

    Raises `LoadError` where something is missing, saying what.
    """
    if not (root / _TESTS / "progs").is_dir():
        raise LoadError(f"{root}: no kernel source tree: it has no {_TESTS}/progs")
    tools = root / "tools"
    for needed in ("lib/bpf/bpf_helpers.h", "include/uapi/linux/bpf.h"):
        if not (tools / needed).is_file():
            raise LoadError(f"{root}: no tools/{needed}")
    machine = platform.machine()
    name, macro = _ARCHITECTURES.get(machine, (machine, f"__{machine}__"))
    _write_helpers(root, out)
    installed = Path("/usr/include") / f"{machine}-linux-gnu"
    # Without the tree's headers of the architecture those of the system come first.  The
    # compiler forgets a folder where it is given before if it is given as a last one, too.
    own = (tools / "arch" / name).is_dir()
    instead, behind = ((), (installed,)) if own else ((installed,), ())
    includes = (
        out, root / _TESTS / "progs", root / _TESTS, Path(__file__).parent / "stubs",
        *instead, tools / "include/uapi", tools / "lib",
    )  # fmt: skip
    last = (tools / "include", *behind)
    return Tree(root, includes, last, (f"-D__TARGET_ARCH_{name}", f"-D{macro}"))


def _write_helpers(root: Path, out: Path) -> None:
    """The declarations of the helpers, the tree's own or as they are installed."""
    made = root / "tools/lib/bpf" / _HELPERS
    script, uapi = root / "scripts/bpf_doc.py", root / "tools/include/uapi/linux/bpf.h"
    if made.is_file():
        text = made.read_text(encoding="utf-8")
    elif script.is_file():
        text = _by_script(script, uapi)
    else:
        text = _installed(uapi)
        if not text:
            raise LoadError(
                f"{root}: neither tools/lib/bpf/{_HELPERS} nor scripts/bpf_doc.py, "
                f"and no {_INSTALLED} (libbpf-dev) with all of its helpers"
            )
    (out / _HELPERS).write_text(text, encoding="utf-8")


def _by_script(script: Path, uapi: Path) -> str:
    """What the tree's own script writes."""
    command = [sys.executable, str(script), "--header", "--file", str(uapi)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise LoadError(f"{script}: {error}") from None
    return said.stdout


def _installed(uapi: Path) -> str:
    """libbpf's, if it has all helpers that the tree names; Linux 6.2 had the last new one."""
    if not _INSTALLED.is_file():
        return ""
    text = _INSTALLED.read_text(encoding="utf-8")
    named = set(_NAMED.findall(uapi.read_text(encoding="utf-8")))
    return text if named and named <= set(_DECLARED.findall(text)) else ""
