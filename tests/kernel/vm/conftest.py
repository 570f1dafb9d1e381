"""Fixtures of the tests of kernels in a VM."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpfsmt.kernel.vm import images


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory with nothing in it, and no image in /boot; gives where images go."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    directory = tmp_path / "cache/bpfsmt/vm/images"
    monkeypatch.setattr(images, "image_directories", lambda: (directory,))
    return directory
