"""Training by backpropagation through time, and the ways into it."""
