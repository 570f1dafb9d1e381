"""Helpers on socket buffers, in random order with random arguments, as in the running kernel."""

from __future__ import annotations

import pytest

from bpfsmt.conformance import Agreement, check
from bpfsmt.conformance.skbwork import skb_cases
from bpfsmt.kernel import available

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")


@pytest.mark.parametrize("seed", [1, 2])
def test_helpers_on_socket_buffers(seed: int) -> None:
    kinds = set()
    for case in skb_cases(range(100), 3, seed):
        found = check(case)
        assert found.agreement is Agreement.SAME, (
            case.name, found.why, *map(str, found.differences)
        )  # fmt: skip
        kinds.add(case.program.type.value)
    assert kinds == {"sched_cls", "sched_act", "socket_filter", "cgroup_skb"}
