"""Sekisho (関所): the checkpoint between a city's residents' data and those it is entrusted to."""
