"""A training run: its data, its steps, its processes, and how it stops."""
