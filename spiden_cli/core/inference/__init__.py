"""From a noisy image to a clean one, in tiles where it is large."""
