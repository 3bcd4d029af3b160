"""What a fresh process loads for one command."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
import json, sys
from pipeline.cli.app import main
code = 0
try:
    main()
except SystemExit as end:
    code = end.code or 0
print("\\n" + json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""

TENSORFLOW = ("tensorflow", "tf_keras", "keras", "tflite_runtime")
"""What takes seconds to load."""


@dataclass(frozen=True)
class Fresh:
    """How a command went, and the names of all modules that it loaded."""

    code: int
    out: str
    err: str
    modules: frozenset[str]

    def loaded(self, *packages: str) -> set[str]:
        """Those of the packages that were loaded."""
        return {package for package in packages if package in self.modules}


def run(*arguments: str | Path) -> Fresh:
    """Runs ``pipeline`` in a fresh process."""
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    *err, last = finished.stderr.rstrip("\n").split("\n")
    code, modules = json.loads(last)
    return Fresh(code, finished.stdout, "\n".join(err), frozenset(modules))
