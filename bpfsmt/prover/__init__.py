"""Deciding formulas: three answers, a time limit, and a memory of what was decided."""

from bpfsmt.prover.solver import Answer, Proved, Refuted, Solver, Unknown

__all__ = ["Answer", "Proved", "Refuted", "Solver", "Unknown"]
