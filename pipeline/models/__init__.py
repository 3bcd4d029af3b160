"""Shelf of models. Each module gives ``Options``, ``PIXEL_SCALING`` and ``build``.

Options                                      pydantic model of the recipe's keys
PIXEL_SCALING                                (scale, offset): what 0..255 becomes before the model
build(options, image_shape, classes, keras)  an uncompiled tf_keras model that gives probabilities

One that reads files of its own (pretrained weights) also gives

files(options, image_shape, data)            name to path of each; they are hashed into the key of what is
                                             trained. ``build`` then takes them as the keyword ``files``

and one whose head can be trained before the rest (``[train.head]``)

FEATURES                                     name of the layer, (batch, channels), that the head starts
                                             from; what stands behind it is a plain chain of layers
freeze(model, options, head_only=...)        sets what trains: the head alone, or what else is to be
                                             fine-tuned after it. Frozen layers keep their values through
                                             every optimisation: they are neither pruned nor clustered
no_head(options)                             why these options leave no head to be trained first; empty where
                                             they do not

A model that knows it of its options may say when the recipe is read

not_quantized_in_training(options)           why quantise-aware training cannot take it whole, and the way
                                             out; empty where it can
"""
