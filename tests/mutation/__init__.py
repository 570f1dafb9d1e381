"""Mutants of rules, and whether the prover notices."""
