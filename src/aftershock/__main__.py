"""`python -m aftershock`."""

import sys

from aftershock.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
