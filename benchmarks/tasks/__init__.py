"""One file, one task: `measure(data, peers) -> list[Result]`."""
