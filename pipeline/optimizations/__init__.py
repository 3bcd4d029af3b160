"""Shelf of optimisations between training and conversion.

Each module gives ``Options`` and ``apply(model, work)``. The shelf is empty so far: models pass through
unchanged.
"""
