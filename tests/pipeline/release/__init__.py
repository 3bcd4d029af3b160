"""Tests of pipeline/release."""
