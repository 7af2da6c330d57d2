"""Corpus recipes: corpora that a TOML file declares."""
