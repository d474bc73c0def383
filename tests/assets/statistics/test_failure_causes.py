"""Causes of failures: what the numbers of their messages and settings have in common."""

from assets.statistics.failure_causes import Failure, _bound, _with_ranges


def failure(detail, **settings):
    return Failure("k", "failed", "model", "train", 0, 0, {}, detail, "", "", settings)


def test_numbers_that_differ_are_shown_with_their_range():
    details = ["phase 0, segment_length 120 of 100 points", "phase 1, segment_length 400 of 100 points"]
    assert _with_ranges([failure(one) for one in details]) == "phase 0 to 1, segment_length 120 to 400 of 100 points"
    assert _with_ranges([failure(details[0])] * 2) == details[0]
    assert _with_ranges([failure("loss nan at 3"), failure("loss inf at 20")]).endswith(" at 3 to 20")


def test_a_setting_that_lies_on_one_side_of_all_others_is_named():
    failures = [failure("x", length=400, rate=0.1, head="a"), failure("x", length=120, rate=0.3, head="b")]
    others = [{"length": 60, "rate": 0.2, "head": "a"}, {"length": 18, "rate": 0.5, "head": "c"}]
    assert _bound("length", failures, others) == "at least 120, all others at most 60"
    assert _bound("length", failures[1:], [{"length": 400}]) == "at most 120, all others at least 400"
    assert not _bound("rate", failures, others) and not _bound("head", failures, others)
    assert not _bound("length", failures, []), "without others there is nothing to tell apart"
