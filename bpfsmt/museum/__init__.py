"""The museum at work: exhibits of `bpfsmt.rules.museum` refuted by the prover and by a run.

Where the fault is one of the walk, its claims about the exhibit's program are checked as well.
"""

from bpfsmt.museum.claims import Claims, claims
from bpfsmt.museum.refute import Verdict, decide
from bpfsmt.museum.replay import Belief, Replay, believe, replay
from bpfsmt.museum.tour import Seen, look, tour

__all__ = [
    "Belief",
    "Claims",
    "Replay",
    "Seen",
    "Verdict",
    "believe",
    "claims",
    "decide",
    "look",
    "replay",
    "tour",
]
