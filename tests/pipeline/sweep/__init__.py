"""Tests of pipeline.sweep."""
