"""What observes a run by the hooks that plugins have, where ``charrnn train`` is asked for it."""
