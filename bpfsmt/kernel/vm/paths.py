"""Where things are kept that can be made or fetched again: the user's cache directory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/bpfsmt/vm``, by default below ``~/.cache``; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "bpfsmt" / "vm"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file such that others see all of it or nothing; makes its directory.

    Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
