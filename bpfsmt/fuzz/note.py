"""What a task is at, left with whoever looks after its process in case it never comes back."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

_keep: Callable[[bytes], None] | None = None
_last = b""


def note(what: Any) -> None:
    """Say what is begun now; where nobody looks after the process, nothing."""
    global _last
    if _keep is not None:
        _last = pickle.dumps(what)
        _keep(_last)


def last_note() -> bytes:
    """The last that was noted, pickled; empty if nothing was."""
    return _last


def keep_with(keep: Callable[[bytes], None]) -> None:
    """From now on what is noted goes there."""
    global _keep
    _keep = keep
