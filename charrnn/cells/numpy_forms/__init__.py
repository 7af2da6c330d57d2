"""The NumPy forms of the cells' steps: generation without torch, and faster than with it."""
