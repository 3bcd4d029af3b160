"""Tests of android_demo's tools; its Kotlin is tested by Maven."""
