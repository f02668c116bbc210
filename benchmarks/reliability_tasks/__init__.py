"""Tasks of `./dev bench reliability`: one file each, found by being there."""
