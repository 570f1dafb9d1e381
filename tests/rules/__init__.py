"""Soundness of the rule sets, proved at full width."""
