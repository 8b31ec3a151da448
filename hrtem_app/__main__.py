"""`python -m hrtem_app` is the command `hrtem-app`."""

import sys

from hrtem_app.cli import main

if __name__ == "__main__":
    sys.exit(main())
