"""Numbers of one id, where more are linked than are kept together."""

from __future__ import annotations

from bpfsmt.verifier import verify

from .common import LATER, program

COPIES = """
    r6 = *(u32 *)(r1 + 12)
    *(u64 *)(r10 - 40) = r6
    r8 = *(u64 *)(r10 - 40)
    r9 = r8
    *(u64 *)(r10 - 16) = r8
"""


def test_what_is_compared_may_be_linked_no_more() -> None:
    """Both sides of a compare with itself count: R8 is one too many (``collect_linked_regs``)."""
    text = COPIES + "if w8 != w8 goto +1\nif r8 > r9 goto +0\nr0 = r6\nexit"
    analysis = verify(program(text), LATER, forgetful=False)
    (visit, *_) = analysis.at(6)
    ids = [reg.id for reg in visit.state.regs]
    assert ids[6] != 0
    assert ids[8] == 0
