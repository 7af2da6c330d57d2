"""One thin file a command; ``charrnn --help`` imports them all, so what is heavy is imported when one is called."""
