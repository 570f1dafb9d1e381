"""The rule compiler: its errors, its meaning in both modes, and their agreement."""
