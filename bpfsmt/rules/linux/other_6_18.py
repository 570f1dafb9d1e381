"""What else differs in Linux 6.18."""

from __future__ import annotations

from bpfsmt.bits import rule
from bpfsmt.domain.scalar import Scalar


@rule
def fork_scalars(dst: Scalar) -> tuple[bool, Scalar, Scalar]:
    """No splits: bffacdb80b93 came later."""
    return False, dst, dst
