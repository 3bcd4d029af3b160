"""Builds and signs the APK without Android's SDK: ``python3 android_demo/tools/apk``.

From the same sources, resources, manifest and assets as Gradle, with tools from Maven Central and Debian
(``pins.toml``). The key is made here and is good for nothing but trying the app: whoever publishes one signs
with their own.
"""

import sys

LOWEST_PYTHON = (3, 11)
SKIP_CODE = 77
"""As in ``apk``, which an older Python cannot load."""


def main() -> int:
    """Exit code: 0 done, 1 failed, 77 where this machine cannot."""
    if sys.version_info < LOWEST_PYTHON:
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write(
            f"apk: {sys.executable} is Python {found}; use 3.11 or newer: python3.11 android_demo/tools/apk\n"
        )
        return SKIP_CODE
    import apk

    return apk.main(description=__doc__.splitlines()[0])


if __name__ == "__main__":
    sys.exit(main())
