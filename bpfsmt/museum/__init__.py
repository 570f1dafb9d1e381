"""The museum at work: exhibits of `bpfsmt.rules.museum` refuted by the prover and by a run."""

from bpfsmt.museum.refute import Verdict, decide
from bpfsmt.museum.replay import Belief, Replay, believe, replay
from bpfsmt.museum.tour import Seen, look, tour

__all__ = ["Belief", "Replay", "Seen", "Verdict", "believe", "decide", "look", "replay", "tour"]
