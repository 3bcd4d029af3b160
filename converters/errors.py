"""What can go wrong in a conversion.

ConverterError
├── SpecError               a scheme, dtype or runtime floor that does not exist or contradicts
├── ModelLoadError          the model file cannot be read
│   └── UnsafeModelError    loading it would execute code that came with the file
├── RepresentativeError     the representative samples would calibrate the model wrongly
├── UnsupportedOpsError     the model needs ops outside TFLite's builtins
├── RuntimeFloorError       the file needs a newer runtime than the floor allows
├── WrongClaimError         the file claims to run on runtimes that would misread it
├── MetadataError           what is to be written of the model does not fit it
└── InvalidTfliteError      not a readable .tflite file
"""


class ConverterError(Exception):
    """Base of every error of this package; its text is one sentence for the user."""


class SpecError(ConverterError):
    """A scheme, dtype or runtime floor that does not exist or contradicts another."""


class ModelLoadError(ConverterError):
    """The model file cannot be read."""


class UnsafeModelError(ModelLoadError):
    """Loading the model file would execute code that came with it."""


class RepresentativeError(ConverterError):
    """The representative samples would calibrate the model wrongly."""


class UnsupportedOpsError(ConverterError):
    """The model needs ops outside TFLite's builtins."""


class RuntimeFloorError(ConverterError):
    """The converted file needs a newer runtime than the floor allows."""


class WrongClaimError(ConverterError):
    """The file claims to run on runtimes that would misread it."""


class InvalidTfliteError(ConverterError):
    """The file is not a readable TensorFlow Lite flatbuffer."""


class MetadataError(ConverterError):
    """What is to be written of the model does not fit it, or into it."""
