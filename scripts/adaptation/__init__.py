"""Methods of test-time adaptation: one module each, with one function.

``start(recogniser)`` gives what ``stream.Adaptation`` describes. The methods are listed in
adaptations.py.
"""
