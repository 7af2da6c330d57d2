"""Rows of columns, and the text that is made of them."""
