"""From a Keras model to a TensorFlow Lite flatbuffer; usable without the rest of the project.

>>> from converters import ConversionSpec, convert, representative
>>> samples = representative(images, shape=(28, 28), value_range=(0, 255))       # doctest: +SKIP
>>> converted = convert(model, ConversionSpec(scheme="int8", io_dtype="uint8"), samples)  # doctest: +SKIP
>>> converted.write("model.tflite")                                              # doctest: +SKIP

Importing this package loads no TensorFlow; :func:`convert` does.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.errors import ConverterError
from converters.representative import Representative, representative
from converters.spec import ConversionSpec

__all__ = [
    "ConversionSpec",
    "Converted",
    "ConverterError",
    "Representative",
    "convert",
    "representative",
]


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A converted model and the options that made it.

    Attributes:
        spec: the options.
        content: the flatbuffer.
    """

    spec: ConversionSpec
    content: bytes

    @property
    def sha256(self) -> str:
        """Hash of the flatbuffer, lower-case hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def write(self, path: str | Path) -> None:
        """Writes the file whole or not at all: beside it first, then renamed."""
        target = Path(path)
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        try:
            partial.write_bytes(self.content)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def convert(model: Any, spec: ConversionSpec, representative: Representative | None = None) -> Converted:
    """Converts a model at batch 1.

    Args:
        model: a built Keras model, a path to one, or a
            :class:`~converters.tflite.keras.SourceModel`.
        spec: scheme, dtype at the door, runtime floor.
        representative: samples for the schemes that are calibrated.

    Raises:
        ConverterError: one of its kinds, see :mod:`converters.errors`.
    """
    from converters.tflite import convert as tflite
    from converters.tflite import keras

    if isinstance(model, str | Path):
        model = keras.load(Path(model))
    source = model if isinstance(model, keras.SourceModel) else keras.from_keras(model)
    return Converted(spec=spec, content=tflite.convert(source, spec, representative))
