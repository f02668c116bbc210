"""What damage, cuts and attacks do to a store and to what leaves it: a task is one file."""
