"""What a value loses on its way through a spiking neuron: closed form, simulation, measurement."""
