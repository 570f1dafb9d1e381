"""Keeping to one CPU."""

from __future__ import annotations

import os

from bpfsmt.kernel.cpu import one_cpu


def test_one_cpu_and_then_all_again() -> None:
    before = os.sched_getaffinity(0)
    with one_cpu() as cpu:
        assert os.sched_getaffinity(0) == {cpu}
    assert os.sched_getaffinity(0) == before
