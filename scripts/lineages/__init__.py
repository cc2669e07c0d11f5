"""Lineage: the commands of lineage.py, each in the module of its name, and what they share.

``makers`` finds the record of a file; ``files``, ``code`` and ``fetched`` hold an experiment's files
against what is recorded; ``versions`` and ``differences`` compare two records; ``plan``, ``trust``
and ``changes`` are of what is made again; ``artifacts``, ``graphs`` and ``crate`` of what is exported.
"""
