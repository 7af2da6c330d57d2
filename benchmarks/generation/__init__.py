"""How fast text is generated, against what it could be."""
