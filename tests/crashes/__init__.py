"""Kills training at random moments and goes on, and compares what comes of it with a run that nothing happened to."""
