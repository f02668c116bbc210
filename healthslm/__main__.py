"""`python -m healthslm`: the command, where its script is not on the path."""

import sys

from healthslm.cli import main

if __name__ == "__main__":
    sys.exit(main())
