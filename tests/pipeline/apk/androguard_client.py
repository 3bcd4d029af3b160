"""Runs in androguard's own environment: ``python androguard_client.py APK`` prints what it tells, as JSON."""

import hashlib
import json
import sys

from androguard.core import apk  # type: ignore[import-not-found, unused-ignore]
from loguru import logger  # type: ignore[import-not-found, unused-ignore]


def main() -> None:
    """Reads the APK that is named."""
    logger.remove()
    app = apk.APK(sys.argv[1])
    names = list(app.get_files())
    told = {
        "package": app.get_package(),
        "version_name": app.get_androidversion_name(),
        "version_code": app.get_androidversion_code(),
        "min_sdk": app.get_min_sdk_version(),
        "target_sdk": app.get_target_sdk_version(),
        "permissions": sorted(app.get_permissions()),
        "v1": app.is_signed_v1(),
        "v2": app.is_signed_v2(),
        "v3": app.is_signed_v3(),
        "names": names,
        "models": {
            name: [len(content := app.get_file(name)), hashlib.sha256(content).hexdigest()]
            for name in names
            if name.endswith(".tflite")
        },
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
