"""The denoising network: encoding, blocks, presets, folding and recording."""
