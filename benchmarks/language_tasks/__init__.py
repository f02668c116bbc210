"""What the language part can do, a file each with `measure(seed, n, peers)`."""
