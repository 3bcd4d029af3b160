"""Tests of pipeline.latency."""
