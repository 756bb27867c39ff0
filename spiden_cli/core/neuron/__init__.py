"""Spiking neurons: pure steps over an explicit state, and the layer that loops over time."""
