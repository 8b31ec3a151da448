"""Where a bundle begins: with the window, a command, or a process that another one of the same program started."""

import sys
from multiprocessing import freeze_support

if __name__ == "__main__":
    # Before anything else: in a process of multiprocessing it does that one's work, and does not come back.
    freeze_support()

    from hrtem_app.bundle import restore_environment, run_asked_module

    restore_environment()
    if not run_asked_module(sys.argv[1:]):
        from hrtem_app.cli import main

        sys.exit(main())
