"""How an app opens each delegate: the options that stand in a target, and in the manifest.

Apps carry no choices of their own: they try the delegates in the target's order and open each as it says
here. The names are this program's; each field says what TensorFlow Lite and LiteRT call it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from converters.delegates import Opening


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GpuOptions(_Options):
    """The GPU of an Android phone (OpenCL, OpenGL).

    Attributes:
        precision_loss_allowed: half precision; ``GpuDelegateFactory.Options.setPrecisionLossAllowed``.
        quantized_models_allowed: ``setQuantizedModelsAllowed``.
        preference: ``setInferencePreference``: one picture at a time, or one after the other.
    """

    precision_loss_allowed: bool = True
    quantized_models_allowed: bool = True
    preference: Literal["fast_single_answer", "sustained_speed"] = "sustained_speed"


class MetalOptions(_Options):
    """The GPU of an iPhone (Metal).

    Attributes:
        precision_loss_allowed: half precision; ``MetalDelegate.Options.isPrecisionLossAllowed``.
        quantized_models_allowed: ``isQuantizationEnabled``.
        wait: ``waitType``: what the app's thread does until the answer is there.
    """

    precision_loss_allowed: bool = True
    quantized_models_allowed: bool = True
    wait: Literal["passive", "active", "do_not_wait", "aggressive"] = "passive"


class NnapiOptions(_Options):
    """Android's Neural Networks API: a legacy, deprecated from Android 15 on.

    Attributes:
        min_api_level: lowest Android API level on which it is tried.
        max_api_level: highest; above it the app goes on to the next delegate.
        allow_fp16: float32 in half precision; ``NnApiDelegate.Options.setAllowFp16``.
        preference: ``setExecutionPreference``.
        use_nnapi_cpu: whether NNAPI's own, slow, CPU path may be used; ``setUseNnapiCpu``.
        max_partitions: ``setMaxNumberOfDelegatedPartitions``.
    """

    min_api_level: int = Field(default=30, ge=27, le=34)
    max_api_level: int = Field(default=34, ge=27, le=34)
    allow_fp16: bool = True
    preference: Literal["low_power", "fast_single_answer", "sustained_speed"] = "sustained_speed"
    use_nnapi_cpu: bool = False
    max_partitions: int = Field(default=3, ge=1)


class CoremlOptions(_Options):
    """Core ML of an iPhone.

    Attributes:
        devices: ``CoreMLDelegate.Options.enabledDevices``: only where there is a Neural Engine, or all.
        coreml_version: ``coreMLVersion``.
        max_partitions: ``maxDelegatedPartitions``; None for all.
    """

    devices: Literal["neural_engine", "all"] = "neural_engine"
    coreml_version: Literal[2, 3] = 3
    max_partitions: int | None = Field(default=None, ge=1)


class XnnpackOptions(_Options):
    """XNNPACK on the CPU, which always works.

    Attributes:
        threads: ``Interpreter.Options.setNumThreads``.
    """

    threads: int = Field(default=2, ge=1, le=16)


class DelegatePlan(_Options):
    """Options of the delegates of one target; None for those that it does not try."""

    gpu: GpuOptions | None = None
    metal: MetalOptions | None = None
    nnapi: NnapiOptions | None = None
    coreml: CoremlOptions | None = None
    xnnpack: XnnpackOptions | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """Delegates with options."""
        return tuple(name for name in KINDS if getattr(self, name) is not None)


KINDS = ("gpu", "metal", "nnapi", "coreml", "xnnpack")
"""Every delegate that a target can name."""

ANALYSED_AS: Mapping[str, str] = MappingProxyType({"metal": "gpu"})
"""Delegate to the rules that it shares: those of :mod:`converters.delegates`, where the names differ."""


def opening(plan: DelegatePlan, delegate: str) -> "Opening":
    """What the rules of a delegate must know of how it is opened; its own defaults where none is planned."""
    from converters.delegates.opening import Opening

    if delegate in ("gpu", "metal"):
        options = plan.gpu if delegate == "gpu" else plan.metal
        return Opening() if options is None else Opening(quantized=options.quantized_models_allowed)
    if delegate == "nnapi" and plan.nnapi is not None:
        # What the oldest phone that tries it takes: newer ones take more.
        return Opening(
            android_api=plan.nnapi.min_api_level,
            use_nnapi_cpu=plan.nnapi.use_nnapi_cpu,
            most_partitions=plan.nnapi.max_partitions,
        )
    if delegate == "coreml" and plan.coreml is not None:
        return Opening(coreml_version=plan.coreml.coreml_version, most_partitions=plan.coreml.max_partitions)
    return Opening()
