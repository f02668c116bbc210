"""What `./dev bench reliability` measures; one task is one file."""
