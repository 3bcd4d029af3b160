"""What in a model file would do more than arithmetic: told by its configuration or graph, before it loads.

Keras looks classes and functions up by the names in a file, imports modules for it, and calls some of what it
finds on constants of the file. Here is what ordinary models need of that; all else is a hazard.
"""

import builtins
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_KERAS = ("keras", "tf_keras", "tensorflow.keras")

_TRUSTED_MODULES = (*_KERAS, "tensorflow_model_optimization.python.core.quantization.keras")
"""Classes from these modules are rebuilt from numbers alone: Keras' own, and the wrappers of
quantisation-aware training. Modules of other parts of tensorflow-model-optimization are not in any file that
is converted, as its pruning and clustering are stripped off before."""

_FUNCTION_MODULES = frozenset(
    {"activations", "constraints", "initializers", "losses", "metrics", "ops", "regularizers"}
)
"""Parts of Keras whose functions stand in configurations. Others, keras.utils and keras.models above all,
have functions that download and load."""

_BUILTINS = "builtins"
"""The module that Keras writes beside the bare name of a function of its own."""

_CODE_CLASSES = frozenset(
    {"Lambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"}
)
"""Classes whose configuration carries code that runs when the model is loaded, or the path of such code."""

_REACHING_CLASSES = frozenset({"ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer"})
"""Layers that take any attribute of an object, or any op, by the name in the configuration. Ragged tensors,
which TFLite lacks, and files older than TensorFlow 2.4 have them; those are not worth an allow-list."""

_FUNCTION_CLASSES = frozenset({"TFOpLambda", "SlicingOpLambda"})
"""Layers that call a function of TensorFlow, by its name, on tensors and constants of the configuration."""

_VOCABULARY_CLASSES = frozenset({"StringLookup", "IntegerLookup", "TextVectorization"})
"""Layers that read the file whose path their configuration gives as a vocabulary, while they are made."""

_VOCABULARY_KEYS = ("vocabulary", "idf_weights")

_ARITHMETIC = re.compile(r"(__operators__|math|nn|keras\.activations)\.\w+(\.\w+)*")

ARITHMETIC = frozenset(
    {
        "abs", "add", "argmax", "argmin", "argsort", "batch_to_space", "boolean_mask", "broadcast_to",
        "cast", "clip_by_norm", "clip_by_value", "concat", "convert_to_tensor", "cumsum", "divide",
        "einsum", "ensure_shape", "equal", "exp", "expand_dims", "eye", "fill", "floor", "gather",
        "gather_nd", "greater", "greater_equal", "identity", "less", "less_equal", "linspace",
        "logical_and", "logical_not", "logical_or", "matmul", "maximum", "meshgrid", "minimum", "multiply",
        "negative", "norm", "not_equal", "one_hot", "ones", "ones_like", "pad", "pow", "range", "rank",
        "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min",
        "reduce_prod", "reduce_sum", "repeat", "reshape", "reverse", "roll", "round", "scatter_nd", "shape",
        "sigmoid", "sign", "size", "slice", "sort", "space_to_batch", "split", "sqrt", "square", "squeeze",
        "stack", "stop_gradient", "strided_slice", "subtract", "tanh", "tensor_scatter_nd_update",
        "tensordot", "tile", "transpose", "truediv", "unstack", "where", "zeros", "zeros_like",
        "image.adjust_brightness", "image.adjust_contrast", "image.central_crop", "image.crop_and_resize",
        "image.crop_to_bounding_box", "image.extract_patches", "image.flip_left_right", "image.flip_up_down",
        "image.grayscale_to_rgb", "image.pad_to_bounding_box", "image.per_image_standardization",
        "image.resize", "image.resize_with_crop_or_pad", "image.resize_with_pad", "image.rgb_to_grayscale",
        "image.rot90", "image.transpose",
        "linalg.band_part", "linalg.diag", "linalg.diag_part", "linalg.einsum", "linalg.l2_normalize",
        "linalg.matmul", "linalg.matrix_transpose", "linalg.matvec", "linalg.norm", "linalg.normalize",
        "linalg.set_diag", "linalg.tensordot", "linalg.trace",
    }
)  # fmt: skip
"""Functions, besides those of ``__operators__``, ``math`` and ``nn``, that give tensors for tensors and reach
nothing else."""

_FIRST_TWINS = frozenset(
    {"image.resize_area", "image.resize_bicubic", "image.resize_bilinear", "image.resize_nearest_neighbor"}
)
"""The same, known only under :data:`_FIRST`."""

_FIRST = "compat.v1."
"""Prefix of names whose TensorFlow 1 signature Keras kept."""

_READERS = frozenset({"nn.fixed_unigram_candidate_sampler"})
"""The one function among them that reads a file: its vocabulary."""

CODE_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
"""Ops that call a Python function of the process, whichever has the number that they carry."""

FILE_OPS = frozenset(
    {
        "ReadFile", "WriteFile", "MatchingFiles", "ImmutableConst", "LoadAndRemapMatrix",
        "GenerateVocabRemapping", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2",
        "CreateSummaryFileWriter", "CreateSummaryDbWriter", "DebugIdentity", "DebugIdentityV2",
        "DebugIdentityV3", "DebugNanCount", "DebugNumericSummary", "WholeFileReader",
        "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2", "TFRecordReader",
        "TFRecordReaderV2", "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "LMDBReader",
        "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset",
        "FixedLengthRecordDatasetV2", "MatchingFilesDataset", "CSVDataset", "CSVDatasetV2",
        "SqlDataset", "LMDBDataset", "CacheDataset", "CacheDatasetV2", "SnapshotDataset",
        "SnapshotDatasetV2", "SaveDataset", "SaveDatasetV2", "LoadDataset", "DatasetToTFRecord",
        "DistributedSave", "DebugNumericSummaryV2", "ListSnapshotChunksDataset",
        "SnapshotChunkDataset", "SnapshotDatasetReader", "SnapshotNestedDatasetReader",
        "FileSystemSetConfiguration", "DataServiceDataset", "DataServiceDatasetV2",
        "DataServiceDatasetV3", "DataServiceDatasetV4", "RegisterDataset", "RegisterDatasetV2",
        "FixedUnigramCandidateSampler",
    }
)  # fmt: skip
"""Ops that reach a file or address that stands in the graph, not one of the SavedModel's own. Those that
restore and save its variables (RestoreV2, SaveV2, ...) are in every SavedModel."""

_PRINT, _STREAM = "PrintV2", b"file:"
"""The op that prints, and the beginning of an ``output_stream`` that is a file."""

_EXPERIMENTAL = "Experimental"
"""Prefix of the older twins of data ops: ExperimentalCSVDataset."""


def hazards_of_config(config: Any) -> Iterator[str]:
    """Names everything in a Keras configuration that brings, imports or reaches code, and what it would do.

    Args:
        config: the model's configuration as plain JSON values.

    Yields:
        ``layer 'x' (Lambda) would execute code from the file``.
    """
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield from _hazards_of_object(config)
        for value in config.values():
            yield from hazards_of_config(value)
    elif isinstance(config, list):
        for value in config:
            yield from hazards_of_config(value)


def _hazards_of_object(config: Mapping[str, Any]) -> Iterator[str]:
    class_name, module, inner = config["class_name"], config.get("module"), config.get("config")
    # Where Keras does not find one of these names it looks for the next.
    names = {str(config.get(key)) for key in ("class_name", "registered_name", "spec_name")}
    options = inner if isinstance(inner, dict) else {}  # of a function it is the name itself
    name = config.get("name") or options.get("name", "") or (inner if isinstance(inner, str) else "")
    if names & _CODE_CLASSES:
        yield f"layer '{name}' ({class_name}) would execute code from the file"
    elif names & _REACHING_CLASSES:
        yield f"layer '{name}' ({class_name}) could reach any code of this machine"
    elif names & _FUNCTION_CLASSES:
        function = options.get("function")
        if not _calculates(function):
            yield f"layer '{name}' ({class_name}) would call '{function}', which is not known as arithmetic,"
    elif names & _VOCABULARY_CLASSES and (paths := [v for k, v in options.items() if _is_path(k, v)]):
        yield f"layer '{name}' ({class_name}) would read the file '{paths[0]}'"
    elif isinstance(module, str) and not _trusted(config):
        yield f"{class_name} '{name}' from module '{module}' would execute code from the file"


def _is_path(key: str, value: Any) -> bool:
    return key in _VOCABULARY_KEYS and isinstance(value, str)


def _calculates(function: Any) -> bool:
    """Whether a function of TensorFlow, by its exported name, does arithmetic and nothing else."""
    if not isinstance(function, str):
        return False
    name = function.removeprefix(_FIRST)
    known = name in ARITHMETIC or (name != function and name in _FIRST_TWINS)
    return name not in _READERS and (known or _ARITHMETIC.fullmatch(name) is not None)


def _trusted(config: Mapping[str, Any]) -> bool:
    """Whether Keras will find a class that is rebuilt from numbers, or a function of its own."""
    class_name, module = config["class_name"], config["module"]
    names = [class_name, config.get("spec_name"), config.get("config") if class_name == "function" else None]
    # 'os.system' of a module that imports os is the function of os.
    if any(isinstance(name, str) and "." in name for name in names):
        return False
    if class_name != "function":
        return _within(module, _TRUSTED_MODULES)
    if not isinstance(config.get("config"), str):
        return False
    if module == _BUILTINS:
        return not hasattr(builtins, config["config"])
    return _within(module, _KERAS) and not _FUNCTION_MODULES.isdisjoint(module.split("."))


def _within(module: str, roots: Iterable[str]) -> bool:
    return any(module == root or module.startswith(root + ".") for root in roots)


def hazards_of_graphs(meta_graphs: Any) -> Iterator[str]:
    """Names the ops of a SavedModel, in main graphs and functions, that reach beyond the numbers."""
    for graph in (meta.graph_def for meta in meta_graphs):
        for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
            for node in nodes:
                op = node.op.removeprefix(_EXPERIMENTAL)
                if op in CODE_OPS:
                    yield f"op '{node.name}' ({node.op}) would call Python code"
                elif op in FILE_OPS or (op == _PRINT and node.attr["output_stream"].s.startswith(_STREAM)):
                    yield f"op '{node.name}' ({node.op}) could reach files or the network"
