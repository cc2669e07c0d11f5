"""The commands of lineage.py, and how records are walked."""
