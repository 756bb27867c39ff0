"""Pictures in memory: pixels, range, and quality."""
