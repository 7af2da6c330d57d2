"""How fast charrnn is, against what it could be: ``make bench`` writes docs/benchmarks.md."""
