"""Everything that runs apart, in one place to be imported before it does."""

from bpfsmt.fuzz.batch import Batch
from bpfsmt.fuzz.history import Hunt
from bpfsmt.fuzz.shrink import Shrink

__all__ = ["Batch", "Hunt", "Shrink"]
