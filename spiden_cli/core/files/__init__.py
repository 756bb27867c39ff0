"""Picture files: formats, metadata, and where outputs go."""
