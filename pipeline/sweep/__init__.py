"""A sweep: variants of recipes, built one after another and compared in one table.

    variants.py   what to build: recipes x --over, each derived recipe checked before the first one runs
    chains.py     names of chains of optimisations
    measure.py    builds the variants, then measures all their files' latencies in one run
    pareto.py     which rows no other row beats
    rows.py       what the table says of one file
    table.py      the table and its footnotes as text
    document.py   the same as JSON and CSV
    picture.py    the same as a picture
    labels.py     where a picture's labels go

The variants are built into the run folders that ``pipeline build`` uses: nothing is made twice.
"""
