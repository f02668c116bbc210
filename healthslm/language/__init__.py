"""Facts into plain words: what may be said, how it is said, and that it is true."""
