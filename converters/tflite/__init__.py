"""Conversion to TensorFlow Lite flatbuffers."""
