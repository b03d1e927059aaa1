"""What the notebooks show: their figures, their widgets, and the check of an exercise's answer.

Nothing else in the package imports this one. It needs `pip install bayes-pfl[notebooks]`.
"""
