"""Where text comes from, and the token packs that it becomes."""
