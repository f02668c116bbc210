"""What the store withstands, a file each with `measure(seed, n)`."""
