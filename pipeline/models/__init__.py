"""Shelf of models. Each module gives ``Options``, ``PIXEL_SCALING`` and ``build``.

Options                                      pydantic model of the recipe's keys
PIXEL_SCALING                                (scale, offset): what 0..255 becomes before the model
build(options, image_shape, classes, keras)  an uncompiled tf_keras model that gives probabilities
"""
