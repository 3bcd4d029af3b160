"""Tests of pipeline/apk."""
