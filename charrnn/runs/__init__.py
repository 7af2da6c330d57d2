"""The run directory: written so that it is always whole, read without trust."""
