"""The helper numbers are those of the system's own header."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bpfsmt.isa import HELPER_IDS, HELPER_NAMES

HEADER = Path("/usr/include/linux/bpf.h")


def test_numbers_run_from_1_to_211() -> None:
    assert list(HELPER_NAMES) == list(range(1, 212))
    assert {HELPER_IDS[name]: name for name in HELPER_IDS} == HELPER_NAMES
    assert HELPER_NAMES[1] == "bpf_map_lookup_elem"
    assert HELPER_NAMES[211] == "bpf_cgrp_storage_delete"


@pytest.mark.skipif(not HEADER.exists(), reason=f"needs {HEADER}")
def test_names_agree_with_the_header() -> None:
    """The header lists them in order, since Linux 6.2 with the number beside the name."""
    listed = re.findall(r"^\s+FN\((\w+)(?:, (\d+))?.*\),?\s*\\$", HEADER.read_text(), re.MULTILINE)
    found = {int(number or place): f"bpf_{name}" for place, (name, number) in enumerate(listed)}
    assert len(found) > 150
    common = found.keys() & HELPER_NAMES.keys()
    assert {n: found[n] for n in common} == {n: HELPER_NAMES[n] for n in common}
