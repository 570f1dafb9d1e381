"""Hypothesis strategies for programs that a verifier mostly accepts.

>>> from bpfsmt.generate import programs, scalar_programs
>>> from hypothesis import given, settings
>>> @settings(max_examples=3, database=None)
... @given(scalar_programs())
... def some_property(program):
...     assert len(program) > 0
>>> some_property()
"""

from bpfsmt.generate.minimise import minimise
from bpfsmt.generate.programs import programs, scalar_programs

__all__ = ["minimise", "programs", "scalar_programs"]
