"""Imports the tools that build the APK: they are run as a folder and are no package."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

TOOLS = Path(__file__).parents[2] / "android_demo" / "tools" / "apk"


def tool(name: str) -> ModuleType:
    """A module of the tools."""
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(TOOLS))
