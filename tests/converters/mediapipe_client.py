"""Classifies pictures with MediaPipe's ImageClassifier; runs in an environment of its own.

    python mediapipe_client.py PICTURES.npy FILE.tflite ...

Pictures are u8 (n, height, width, 3). Prints one JSON document: file to its answers, one object a picture of
label to score; or to the text of the error with which the file was refused.
"""

import json
import sys

import mediapipe  # type: ignore[import-not-found]
import numpy as np
from mediapipe.tasks.python import vision  # type: ignore[import-not-found]
from mediapipe.tasks.python.core.base_options import BaseOptions  # type: ignore[import-not-found]


def main() -> None:
    """Classifies every picture with every file."""
    pictures = np.load(sys.argv[1])
    answers: dict[str, list[dict[str, float]] | str] = {}
    for file in sys.argv[2:]:
        options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=file))
        try:
            with vision.ImageClassifier.create_from_options(options) as classifier:
                answers[file] = [classify(classifier, picture) for picture in pictures]
        # MediaPipe tells metadata that is missing as a file that is not found.
        except (OSError, RuntimeError, ValueError) as error:
            answers[file] = str(error)
    sys.stdout.write(json.dumps(answers) + "\n")


def classify(classifier: vision.ImageClassifier, picture: "np.ndarray") -> "dict[str, float]":  # type: ignore[type-arg]
    """Label to score."""
    image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
    (found,) = classifier.classify(image).classifications
    return {category.category_name: category.score for category in found.categories}


if __name__ == "__main__":
    main()
