"""Tests of pipeline/stages."""
