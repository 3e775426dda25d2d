"""Runs a command at a terminal at which no one types, and prints what it shows.

on-terminal.py SECONDS COMMAND...: the terminal is the command's controlling one, so /dev/tty is it too. Ends with the status of
the command, or with 124 after so many seconds.
"""

import os
import pty
import select
import signal
import sys
import time

end = time.monotonic() + float(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
while True:
    ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
    if not ready:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        sys.exit(124)
    try:
        shown = os.read(terminal, 65536)
    except OSError:  # Linux says so after the last one has closed it.
        shown = b""
    if not shown:
        break
    os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
