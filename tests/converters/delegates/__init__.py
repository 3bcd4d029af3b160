"""Delegates: each rule on a file of one op, XNNPACK and the GPU against the real thing."""
