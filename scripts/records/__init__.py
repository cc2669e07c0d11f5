"""Lineage records: what an artifact was made from, and the code that made it."""
