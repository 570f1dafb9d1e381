"""Helpers of XDP programs, in random order with random arguments, as in the running kernel."""

from __future__ import annotations

from itertools import chain

import pytest

from bpfsmt.conformance import Agreement, check
from bpfsmt.conformance.xdpwork import KINDS, Caller, xdp_cases
from bpfsmt.kernel import available

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_one_helper(kind: Caller) -> None:
    for case in xdp_cases(range(8), 3, 1, [kind]):
        found = check(case)
        assert found.agreement is Agreement.SAME, (found.why, *map(str, found.differences))
        assert found.pairs == 3


def test_many_in_any_order() -> None:
    for case in chain(xdp_cases(range(60), 3, 1), xdp_cases(range(3), 10, 2)):
        found = check(case)
        assert found.agreement is Agreement.SAME, (found.why, *map(str, found.differences))
