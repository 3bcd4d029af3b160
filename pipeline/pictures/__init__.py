"""What a person looks at: pictures of a model's answers and of its training.

    canvas.py          a figure that becomes the same PNG bytes wherever the same fonts are
    confusion.py       which class is taken for which
    contact_sheet.py   single images: the surest mistakes, the least sure answers
    curves.py          loss and accuracy by epoch

Matplotlib is loaded when the first picture is drawn, and draws without a display.
"""
