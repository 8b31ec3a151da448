"""As `sbatch --wait`: has the command started out of reach, waits for it, and takes nobody along when it is ended."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import psutil

FAKE = str(Path(__file__).with_name("fake_worker.py"))
# The process between ends at once, so that the worker is below nobody.
START = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL).pid)"

if __name__ == "__main__":
    command = [sys.executable, FAKE, shlex.join(sys.argv[1:])]
    between = [sys.executable, "-c", START, *command]
    started = subprocess.run(between, stdout=subprocess.PIPE, text=True, check=True, start_new_session=True)
    psutil.wait_procs([psutil.Process(int(started.stdout))])
