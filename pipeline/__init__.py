"""From a Keras CNN to a ``.tflite`` that provably does the same thing on a phone."""
