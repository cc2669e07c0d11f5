"""Joining the manifests of the source domains."""

import pytest

import pool
from errors import InputError


def test_pooled_utterances_keep_their_order():
    found = pool.pool({"a.jsonl": [{"id": "1"}, {"id": "2"}], "b.jsonl": [{"id": "0"}]})
    assert [row["id"] for row in found] == ["1", "2", "0"]


def test_an_id_in_two_domains_is_refused_with_both_files():
    with pytest.raises(InputError, match=r"b\.jsonl: id '1' is in a\.jsonl too"):
        pool.pool({"a.jsonl": [{"id": "1"}], "b.jsonl": [{"id": "1"}]})
