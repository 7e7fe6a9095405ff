"""Findings about what a person wrote, with codes and positions: the lowest layer."""
