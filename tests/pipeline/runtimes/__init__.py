"""Tests of pipeline/runtimes."""
