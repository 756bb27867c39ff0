"""Images: files, tensors, noise and quality."""
