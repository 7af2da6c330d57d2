"""Beam search: the likeliest texts, or texts drawn without replacement, instead of one drawn at random."""
