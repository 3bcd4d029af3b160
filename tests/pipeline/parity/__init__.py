"""Tests of pipeline.parity."""
