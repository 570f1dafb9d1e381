"""Tests of the room isa."""
