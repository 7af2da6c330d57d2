"""Token packs: a corpus as ids on disk, in the cache."""
