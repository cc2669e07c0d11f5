"""Joining the manifests of the source domains."""

import pytest

import pool
from errors import InputError


def rows(domain: str, *ids: str) -> list[dict]:
    return [{"id": id, "domain": domain} for id in ids]


def test_pooled_utterances_keep_their_order_and_are_called_by_their_domain():
    found = pool.pool({"a.jsonl": rows("a", "1", "2"), "b.jsonl": rows("b", "1")})
    assert [row["id"] for row in found] == ["a--1", "a--2", "b--1"]


def test_one_domain_alone_keeps_its_ids():
    assert pool.pool({"a.jsonl": rows("a", "1")}) == rows("a", "1")


def test_ids_do_not_depend_on_whether_another_domain_is_empty():
    found = pool.pool({"a.jsonl": rows("a", "1"), "b.jsonl": []})
    assert [row["id"] for row in found] == ["a--1"]


def test_a_domain_that_is_pooled_twice_is_refused_with_both_files():
    with pytest.raises(InputError, match=r"again\.jsonl: id '1' of domain a is in a\.jsonl too"):
        pool.pool({"a.jsonl": rows("a", "1"), "again.jsonl": rows("a", "1")})


def test_real_and_synthetic_speech_of_a_text_have_one_id_by_which_training_is_ordered():
    real, synthetic = (
        pool.pool({f"a/{kind}": rows("a", "1", "2"), f"b/{kind}": rows("b", "1")})
        for kind in ("real", "synthetic")
    )
    assert real == synthetic


def test_pooled_utterances_of_one_text_still_share_it():
    said_twice = [*rows("a", "1"), {"id": "1-2", "domain": "a", "text_id": "1"}]
    found = pool.pool({"a.jsonl": said_twice, "b.jsonl": rows("b", "1")})
    assert [row.get("text_id") for row in found] == [None, "a--1", None]
