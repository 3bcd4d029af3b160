"""How an app opens a delegate, as far as it decides which ops go."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Each delegate reads what concerns it; the defaults are those of the delegates themselves.

    Attributes:
        quantized: GPU, XNNPACK: for quantised models.
        android_api: NNAPI: Android API level of the phone, 27 to 34.
        use_nnapi_cpu: NNAPI: whether its own CPU path may be used.
        coreml_version: Core ML: 2 or 3.
        most_partitions: GPU, NNAPI, Core ML: parts that are taken; the delegate's own default where None.
    """

    quantized: bool = True
    android_api: int = 30
    use_nnapi_cpu: bool = False
    coreml_version: int = 3
    most_partitions: int | None = None
