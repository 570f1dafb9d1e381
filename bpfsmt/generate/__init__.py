"""Hypothesis strategies for programs that a verifier mostly accepts.

`guided` draws with the verifier's own states at hand, so that programs have everything and
still pass; `programs` knows little and is quick.  `sample` gives programs outside a test.

>>> from bpfsmt.generate import programs, scalar_programs
>>> from hypothesis import given, settings
>>> @settings(max_examples=3, database=None)
... @given(scalar_programs())
... def some_property(program):
...     assert len(program) > 0
>>> some_property()
"""

from bpfsmt.generate.guided import FEATURES, guided_programs, guided_sample, supported
from bpfsmt.generate.minimise import minimise, needed_maps
from bpfsmt.generate.programs import programs, scalar_programs
from bpfsmt.generate.sample import drawn, sample

__all__ = [
    "FEATURES",
    "drawn",
    "guided_programs",
    "guided_sample",
    "minimise",
    "needed_maps",
    "programs",
    "sample",
    "scalar_programs",
    "supported",
]
