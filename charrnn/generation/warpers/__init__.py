"""What reshapes the distribution of the next token before one is drawn."""
