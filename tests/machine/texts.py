"""Pieces of programs, as the campaigns put them together."""

from bpfsmt.conformance.folding import END, FOLD, START, on_stack

__all__ = ["END", "FOLD", "START", "on_stack"]
