"""Programs as Z3 formulas over all inputs: packet, context, maps, helper results.

One function says what an instruction does to a symbolic state (`step`).  Applied to all
points of a program it gives the global formula; applied to a state that stands for an
abstract one it gives the inductive step.
"""
