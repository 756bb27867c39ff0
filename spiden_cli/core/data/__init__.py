"""Sets of images: where they are, and how training draws from them."""
