"""The engine: images, the spiking network, its training and its energy. Never prints."""
