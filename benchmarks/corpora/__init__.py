"""What corpora cost: memory and speed of packing, memory and waiting of streaming."""
