"""The contract in every language: the same cases through Python's reference and the apps' twins of it.

cases       what they are given: a bundle's golden cases, and random ones
altered     other contracts than the bundle's, for the steps that it does not use
answers     what a language makes of a case: files that its script leaves, arrays that the reference gives
languages   how each of them is run
comparison  how far apart two answers may be
table       what a person reads of it
"""
