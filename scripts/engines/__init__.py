"""Text-to-speech engines: one module each, with one function, ``load(setup) -> Engine``."""
