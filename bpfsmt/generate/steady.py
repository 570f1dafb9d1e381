"""The same programs for the same seed, whatever else is loaded.

Hypothesis draws numbers also from the constants in the source of all modules that are loaded
and not installed.  So a seed would stand for other programs after an import, or after a change
to bpfsmt itself; and for others again where bpfsmt is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


@contextmanager
def steady() -> Iterator[None]:
    """Numbers are not taken from source files in here.  Not for several threads at once."""
    usual = providers._get_local_constants
    providers._get_local_constants = Constants
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = usual
        providers.CONSTANTS_CACHE.cache.clear()
