"""spiden: image denoising with a deep spiking neural network."""

__version__ = "0.1.0"
