"""Divisors found by dividing, against all products there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bpfsmt.prover.divisors import LIMIT, pairs


@given(st.integers(1, 2000), st.integers(1, 60))
def test_all_pairs_and_no_others(product: int, most: int) -> None:
    there = range(1, most + 1)
    assert pairs(product, most) == tuple((a, b) for a in there for b in there if a * b == product)


@given(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1))
def test_the_factors_of_a_product_are_found(a: int, b: int) -> None:
    found = pairs(a * b, 2**32 - 1)
    assert found is None or ((a, b) in found and (b, a) in found)


def test_what_is_too_hard_is_not_guessed() -> None:
    large = 1099511627791, 1099511627803  # primes above 2**40
    assert large[0] > LIMIT**2
    assert pairs(large[0] * large[1], 2**64) is None


def test_the_ends_of_words() -> None:
    half = 2**32 - 1
    assert pairs(2**63, half) == ()
    assert (2323823089, 3969050863) in (pairs(2**63 - 1, half) or ())
