"""Commands that Ctrl-C reaches, whatever started the tests.

A shell without job control starts what runs in the background with SIGINT ignored, and that is inherited: a
child of such tests would never hear it, and Python sets no handler of its own for it.
"""

import sys

RESET = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def listening(*arguments: str) -> list[str]:
    """The command line of this Python with arguments, in one process, with SIGINT as a terminal has it."""
    return [sys.executable, "-c", RESET, sys.executable, *arguments]
