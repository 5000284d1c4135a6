"""Benchmarks: `python -m tests.bench` prints a table, side by side in one run, medians of interleaved rounds.

Never a timed assertion: machines are shared and noisy, and a number that can fail a build gets widened.
"""
