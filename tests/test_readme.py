"""README.md: what the program can check of it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_generated_parts_are_what_the_program_says() -> None:
    """`make docs` rewrites them."""
    check = [sys.executable, "-m", "cogapp", "-P", "--check", "-I", ".", "README.md"]
    finished = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_nothing_is_left_to_fill_in() -> None:
    """No placeholder stands where a figure should."""
    assert not re.findall(r"@[A-Z]+@|TODO|TBD", README)


def test_its_two_commands_are_targets_that_set_everything_up() -> None:
    """Both depend on the environment."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in ("build", "test"):
        assert f"    make {command}" in README
        assert re.search(rf"^{command}: \$\(READY\)", makefile, re.MULTILINE)


def test_its_recipe_loads(tmp_path: Path) -> None:
    """The example is a recipe, not prose."""
    from pipeline import recipe

    photos, whole, more = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    mine = recipe.check({"name": "my_photos", **tomllib.loads(photos)}, where="my_photos")
    assert (mine.dataset.name, mine.model.name) == ("image_folder", "transfer")
    assert mine.train.head is not None
    path = tmp_path / "mine.toml"
    path.write_text(whole, "utf-8")
    loaded = recipe.load(str(path))
    assert loaded.dataset.name == "idx"
    assert loaded.gate("int8").max_accuracy_drop_points == 0.5
    sections = tomllib.loads(more)
    assert set(sections) == {"train", "optimize", "guard"}
    del sections["guard"]  # for post-training quantisation alone
    values = {**tomllib.loads(whole), "optimize": sections["optimize"]}
    values["convert"]["schemes"] = ["int8"]
    names = [section.name for section in recipe.check({"name": "mine", **values}, where="mine").optimize]
    assert names == ["prune", "cluster", "quantize_aware"]
