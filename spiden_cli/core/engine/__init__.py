"""How a network is run: dense in torch, or event by event; in tiles, and counted."""
