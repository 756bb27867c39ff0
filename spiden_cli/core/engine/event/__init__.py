"""Event-driven inference on a CPU: convolutions that touch only the spikes (needs numba)."""
