"""Tests of pipeline/embedding."""
