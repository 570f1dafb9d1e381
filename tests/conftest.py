"""Hypothesis without deadlines: no test fails because the machine is busy."""

from hypothesis import settings

settings.register_profile("bpfsmt", deadline=None)
settings.load_profile("bpfsmt")
