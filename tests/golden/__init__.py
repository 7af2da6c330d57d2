"""Runs of each format that was ever released, and what makes them."""
