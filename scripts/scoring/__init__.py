"""Error counts, how sure they are, and what follows from them."""
