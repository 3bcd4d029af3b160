"""``pipeline convert``: a recipe's convert stage, or a Keras model of one's own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline.cli._description import NAMES, Said, description_options
from pipeline.cli._options import RECIPE_OPTIONS, BuildOptions, build_options, print_json, print_table, refuse

MODEL_OPTIONS = ("schemes", "io", "runtime_floor", "representative", "out", "unsafe", *NAMES)


@click.command("convert")
@click.argument("source", metavar="RECIPE|MODEL")
@click.option("--scheme", "schemes", multiple=True, help="For MODEL: a scheme; may be given again.")
@click.option("--io", default="uint8", show_default=True, help="For MODEL: dtype at the door of int8.")
@click.option(
    "--runtime-floor",
    default="2.14.0",
    show_default=True,
    help="For MODEL: oldest TFLite runtime to serve.",
)
@click.option(
    "--representative",
    type=click.Path(path_type=Path),
    metavar="FILE.npy",
    help="For MODEL: (n, *input) array of training inputs, for int8 and int16x8; "
    "not needed after quantisation-aware training.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="For MODEL: where to write NAME_SCHEME.tflite.",
)
@click.option("--unsafe", is_flag=True, help="For MODEL: load a file that executes code of its own.")
@description_options
@build_options
def command(
    source: str,
    schemes: tuple[str, ...],
    io: str,
    runtime_floor: str,
    representative: Path | None,
    out: Path,
    unsafe: bool,
    **values: Any,
) -> None:  # fmt: skip
    """Convert a recipe's model, or a .keras, .h5 or SavedModel of your own, to TensorFlow Lite."""
    said = Said(**{name: values.pop(name) for name in NAMES})
    options = BuildOptions(**values)
    path = Path(source)
    if path.suffix not in (".keras", ".h5", ".hdf5") and not (path / "saved_model.pb").is_file():
        from pipeline import recipe
        from pipeline.cli._build import run
        from pipeline.errors import UsageError

        if path.exists() and path.suffix != ".toml" and source not in recipe.names():
            raise UsageError(
                f"{path}: neither a recipe (.toml) nor a model (.keras, .h5, a folder with saved_model.pb)"
            )
        refuse(MODEL_OPTIONS, f"is for a model file; for recipe '{source}' change values with --set")
        run(options.recipe(source), options, until="convert")
        return
    refuse(RECIPE_OPTIONS, f"is for a recipe; {path} is a model file")
    _convert_own(path, schemes or ("float32",), io, runtime_floor, representative, out, unsafe, said, options)


def _convert_own(
    path: Path,
    schemes: tuple[str, ...],
    io: str,
    runtime_floor: str,
    representative: Path | None,
    out: Path,
    unsafe: bool,
    said: Said,
    options: BuildOptions,
) -> None:
    import converters
    from converters.errors import SpecError
    from converters.spec import IO_DTYPES
    from converters.tflite.keras import holds_ranges, load
    from converters.tflite.metadata_writer import check_shapes, describe
    from converters.tflite.schemes import SCHEMES
    from pipeline.cli._arrays import read
    from pipeline.errors import UsageError, unknown

    # Everything that can be wrong in the options is found before TensorFlow takes its seconds to load.
    if io not in IO_DTYPES:
        raise UsageError(unknown("io dtype", io, IO_DTYPES))
    try:
        specs = [
            converters.ConversionSpec(
                scheme=name,
                io_dtype=io if name in SCHEMES and SCHEMES[name].quantised_door else "float32",
                runtime_floor=runtime_floor,
            )
            for name in schemes
        ]
    except SpecError as error:
        raise UsageError(str(error)) from error
    words = said.read(path)
    values = read(representative, "model inputs") if representative else None
    calibrated = [spec.scheme for spec in specs if SCHEMES[spec.scheme].calibrated]
    if calibrated and values is None and not holds_ranges(path):
        raise UsageError(
            f"scheme '{calibrated[0]}' measures activation ranges: give --representative FILE.npy"
        )
    model = load(path, unsafe=unsafe)
    if words is not None:
        # The shapes are known now: a label too few is not found after minutes of conversion.
        door, scores = (1, *model.input_shape), (1, *model.output_shape)
        check_shapes(door, scores, words, where=path.name)
    samples = converters.representative(values, shape=model.input_shape) if values is not None else None
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for spec in specs:
        options.console().say(f"convert {path.name} to {spec.scheme}")
        converted = converters.convert(model, spec, samples)
        if words is not None:
            content = describe(converted.content, words, where=f"{path.name} as {spec.scheme}")
            converted = replace(converted, content=content)
        target = out / f"{path.stem}_{spec.scheme}.tflite"
        converted.write(target)
        rows.append((spec.scheme, len(converted.content), converted.sha256, str(target)))
    if options.as_json:
        keys = ("scheme", "bytes", "sha256", "file")
        print_json({"model": str(path), "converted": [dict(zip(keys, row, strict=True)) for row in rows]})
    else:
        print_table(("scheme", "bytes", "sha256", "file"), [(s, f"{b:,}", h, f) for s, b, h, f in rows])
