"""Which registers are live: may be read before they are written again."""

from __future__ import annotations

from bpfsmt.cfg.defuse import reads, writes
from bpfsmt.cfg.graph import ControlFlow


def live_registers(cfg: ControlFlow) -> dict[int, int]:
    """For every pc the registers live just before it, as an 11-bit mask, by ascending pc.

    The greatest precision that treats all paths as possible.  Calls count as in
    `bpfsmt.cfg.defuse`: all read r1-r5 and destroy r0-r5; ``exit`` reads r0 in every
    function.  Unreachable code has its live registers too.

    >>> from bpfsmt.cfg import cfg_from_text, registers
    >>> live = live_registers(cfg_from_text("r0 = r1\\nr0 += r2\\nexit"))
    >>> [registers(mask) for mask in live.values()]
    [(1, 2), (0, 2), (0,)]
    """
    live_in = dict.fromkeys(cfg.graph, 0)
    # Blocks late in the program first: most edges go forward, so few blocks come up twice.
    waiting = dict.fromkeys(sorted(cfg.graph))
    while waiting:
        block, _ = waiting.popitem()
        at_start = _through(cfg, block, live_in)[block]
        if at_start != live_in[block]:
            live_in[block] = at_start
            waiting.update(dict.fromkeys(cfg.graph.pred[block]))
    live: dict[int, int] = {}
    for block in sorted(cfg.graph):
        live.update(sorted(_through(cfg, block, live_in).items()))
    return live


def _through(cfg: ControlFlow, block: int, live_in: dict[int, int]) -> dict[int, int]:
    """The live registers before every instruction of a block, from its successors'."""
    mask = 0
    for target in cfg.graph.adj[block]:
        mask |= live_in[target]
    live = {}
    for pc, insn in reversed(cfg.graph.nodes[block]["insns"]):
        mask = mask & ~writes(insn) | reads(insn)
        live[pc] = mask
    return live
