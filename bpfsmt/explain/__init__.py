"""Why was my program rejected?  A rejection in words, and what would make it pass.

The instruction at fault and the bound that it missed come from the verifier's last state
(`access`, `missing`); how the value came to be what it is from the walk (`trail`); where the
verifier lost it from the exact sets (`loss`); whether a run really goes wrong from the whole
formula and a replay (`truth`); and a check that helps from putting checks into the program
and verifying it (`candidates`, `insert`, `repair`).
"""

from bpfsmt.explain.explanation import Explanation, explain
from bpfsmt.explain.repair import Repair, find_repair

__all__ = ["Explanation", "Repair", "explain", "find_repair"]
