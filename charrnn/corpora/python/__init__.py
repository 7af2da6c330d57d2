"""Text that comes with every Python."""
