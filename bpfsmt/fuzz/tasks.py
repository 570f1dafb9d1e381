"""Everything that runs apart, in one place to be imported before it does."""

from bpfsmt.fuzz.batch import Alone, Batch
from bpfsmt.fuzz.history import Hunt
from bpfsmt.fuzz.shrink import Shrink

__all__ = ["Alone", "Batch", "Hunt", "Shrink"]
