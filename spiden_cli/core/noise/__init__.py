"""Noise as a value: what it is, how it is added, how its level is estimated."""
