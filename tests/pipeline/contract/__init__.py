"""Tests of pipeline/contract."""
