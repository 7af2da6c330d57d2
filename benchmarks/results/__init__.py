"""What models learn: every preset, cell and technique on one split, with the command that trained it."""
