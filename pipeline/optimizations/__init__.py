"""Shelf of optimisations between training and conversion. Each module gives ``Options``, ``prepare``
and ``finalize``. The shelf is empty so far: models pass through unchanged.
"""
