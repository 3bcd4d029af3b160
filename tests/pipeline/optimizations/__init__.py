"""Tests of :mod:`pipeline.optimizations`."""
