"""Tests of the pictures that a person looks at."""
