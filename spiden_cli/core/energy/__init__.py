"""Operations, counted from real spikes, and what they cost."""
