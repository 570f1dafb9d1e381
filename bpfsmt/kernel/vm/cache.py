"""What a kernel said before: kept by the kernel's image, and the program with all that is asked.

A file for each answer, compressed JSON, below the user's cache directory.  An answer is
found again only by the same program (instructions, maps, type, flags ...), the same image,
and the same code here to ask it with.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import zlib
from contextlib import suppress
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from bpfsmt.kernel.vm.images import Image
from bpfsmt.kernel.vm.paths import cache_directory, write_whole
from bpfsmt.program.program import Program

_NOT_ASKED = frozenset({"source", "title", "expect"})
"""Fields of a program that no kernel gets to see."""


class ResultCache:
    """The answers of one kernel image."""

    def __init__(self, image: Image) -> None:
        """Raises `OSError` if the image cannot be read."""
        self.directory = cache_directory() / "results" / f"{image.release}-{image.digest()[:16]}"

    def path(self, program: Program, *question: object) -> Path:
        """The file for the answer to a question about a program."""
        asked = [(f.name, getattr(program, f.name)) for f in fields(program)]
        seen = [(name, value) for name, value in asked if name not in _NOT_ASKED]
        key = hashlib.sha256(repr((_code(), seen, question)).encode()).hexdigest()
        return self.directory / key[:2] / f"{key}.json.gz"

    def get(self, path: Path) -> Any:
        """The answer in that file; `None` if there is none, or it is damaged."""
        with suppress(OSError, EOFError, ValueError, zlib.error):
            return json.loads(gzip.decompress(path.read_bytes()))
        return None

    def put(self, path: Path, answer: Any) -> None:
        """Keep an answer.  Where nothing can be written, it is asked again next time."""
        with suppress(OSError):
            write_whole(path, gzip.compress(json.dumps(answer).encode(), 6, mtime=0))


@functools.cache
def _code() -> str:
    """A hash of what asks: its answers are no answers to what is asked differently."""
    found = hashlib.sha256()
    for package in ("bpfsmt.kernel", "bpfsmt.kernel.vm"):
        for file in sorted(files(package).iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".c")):
                found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()
