"""The museum at work: exhibits of `bpfsmt.rules.museum` refuted by the prover and by a run."""

from bpfsmt.museum.refute import Verdict, decide
from bpfsmt.museum.replay import Belief, Replay, believe, replay

__all__ = ["Belief", "Replay", "Verdict", "believe", "decide", "replay"]
