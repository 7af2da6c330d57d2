"""Training text without a pack: an endless, shuffled stream of tokens that can be taken up again at any of them."""
