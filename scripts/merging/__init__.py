"""Methods of merging task vectors: one module each, with one function.

``merge(vectors, parameter)`` is given one parameter of each of some task vectors, float32 of one
shape, and what is known of that parameter, and returns it of the merged vector. What may stand
behind the method's name in a config is a third argument. The methods are listed in methods.py.
"""
