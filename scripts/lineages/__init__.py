"""Lineage: the commands of lineage.py, each in the module of its name, and what they share.

``makers`` finds the record of a file; ``files``, ``code`` and ``fetched`` hold an experiment
against its records; ``versions`` and ``differences`` compare two records; ``plan``, ``trust`` and
``changes`` serve what is made again, ``artifacts``, ``graphs`` and ``crate`` what is exported.
"""
