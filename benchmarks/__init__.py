"""Benchmarks: commands, not timed tests."""
