"""Runs of the workflow: what they ask for, how they go on, and how they end."""
