"""What is done with an engine: denoise a picture, score a network."""
