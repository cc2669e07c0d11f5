"""Domains: declared, read, checked and split."""
