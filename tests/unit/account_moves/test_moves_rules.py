"""The eight rules of the protocol, each by the records of a few keys."""

from __future__ import annotations

from tests.unit.account_moves.network import ALL, MARCH, SECOND, Network, deal, entity, event

A, B, S = "account:A", "account:B", "account:S"
O1 = entity("O1")


def test_1_a_key_that_has_moved_wholly_forwards_all_that_arrives() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.move(A, S, "merge:account:A", ALL)
    net.give(A, "event", deal("e2"))
    net.begin(A, "quote:Q1#0", entity("Q1", "quote"))
    net.out(A, B, "opportunity:O9#0", entity("O9"))
    net.give(A, "move.rows", {"move": "quote:Q1#0", "rows": [], "sh": 0})
    net.give(A, "move.end", {"move": "quote:Q1#0", "scope": entity("Q1", "quote"), "from": B})
    net.give(A, "command", {"id": "c1", "command": "ack", "alert": "x"})
    kinds = ["forward", "move.begin", "move.out", "move.rows", "move.end", "command"]
    assert net.to(S) == kinds
    net.run()
    assert sorted(net.events(S)) == ["e1", "e2"]
    assert net.events(A) == []


def test_1_the_forward_of_an_entity_counts_before_that_of_the_key_but_only_for_events_and_outs() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.move(A, B, "opportunity:O1#0", O1)
    net.move(A, S, "merge:account:A", ALL)
    net.give(A, "event", deal("e2"))
    net.out(A, S, "opportunity:O1#1", O1)
    assert [(to, kind) for to, kind, _ in net.sent] == [(B, "forward"), (B, "move.out")]
    net.begin(A, "opportunity:O1#2", O1)
    assert net.to(S) == ["move.begin"]


def test_2_what_brings_an_entity_back_deletes_its_forward() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.move(A, B, "opportunity:O1#0", O1)
    assert net.bucket(A, "fwd") == {"opportunity|O1": B}
    net.begin(A, "opportunity:O1#1", O1)
    assert net.bucket(A, "fwd") == {}
    net.out(B, A, "opportunity:O1#1", O1)
    net.confirm(B, "opportunity:O1#1")
    net.run()
    net.give(A, "event", deal("e2"))
    assert (net.events(A), net.sent) == (["e1", "e2"], [])


def test_2_a_key_that_it_only_passes_through_forgets_its_forward_too() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.move(A, B, "opportunity:O1#0", O1)
    net.move(A, S, "merge:account:A", ALL)
    net.begin(A, "opportunity:O1#1", O1)  # on to S
    net.give(A, "event", deal("e2"))
    assert net.to(S) == ["move.begin", "forward"]


def test_3_while_a_whole_key_is_coming_in_only_unknown_entities_are_queued() -> None:
    net = Network()
    net.give(S, "event", deal("e1", "O7"))
    net.begin(S, "merge:account:A", ALL)
    net.give(S, "event", deal("e2", "O1"))
    net.give(S, "event", deal("e3", "O7"))
    net.out(S, B, "opportunity:O1#0", O1)
    assert list(net.bucket(S, "mq")) == ["opportunity|O1"]
    assert [row[1]["id"] for row in net.bucket(S, "mp").values()] == ["e3"]
    assert net.sent == []  # the out waits behind what may still come


def test_4_records_of_an_entity_wait_for_its_rows() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.begin(B, "opportunity:O1#0", O1)
    net.give(B, "event", deal("e2"))
    net.out(B, S, "opportunity:O1#1", O1)
    assert (net.events(B), net.sent) == ([], [])
    net.out(A, B, "opportunity:O1#0", O1)
    net.run(B)
    assert net.to(S) == ["move.rows", "move.end", "forward"]  # and on it goes, with what waited for it


def test_4_an_out_of_the_same_move_means_that_both_ends_are_here() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.begin(B, "opportunity:O1#0", O1)
    net.move(
        B, A, "merge:account:B", ALL
    )  # the key to which the deal moves becomes the one from which it comes
    net.give(A, "event", deal("e2"))
    net.out(A, B, "opportunity:O1#0", O1)
    net.confirm(A, "opportunity:O1#0")
    net.run()
    assert sorted(net.events(A)) == ["e1", "e2"]
    assert [net.bucket(A, b) for b in ("mv", "mc", "mp", "mq", "mo")] == [{}] * 5


def test_4_an_out_of_an_earlier_move_goes_ahead_and_leaves_no_forward() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.begin(A, "opportunity:O1#1", O1)  # it comes back before it has left
    net.give(A, "event", deal("e2"))
    net.out(A, B, "opportunity:O1#0", O1)
    assert net.to(B) == ["move.rows", "move.end"]
    assert net.bucket(A, "fwd") == {}
    assert list(net.bucket(A, "mq")) == ["opportunity|O1"]


def test_5_the_out_of_a_whole_key_takes_queues_and_open_moves_along() -> None:
    net = Network()
    net.begin(A, "opportunity:O1#0", O1)
    net.give(A, "event", deal("e2"))
    net.begin(S, "merge:account:A", ALL)
    net.out(A, S, "merge:account:A", ALL)
    assert net.to(S)[-1] == "move.end"  # at once
    net.run()
    assert sorted(net.bucket(S, "mv")) == ["merge:account:A", "opportunity:O1#0"]
    assert net.bucket(S, "mc")["opportunity|O1"][0] == "opportunity:O1#0"
    net.give(B, "event", deal("e1"))
    net.out(B, A, "opportunity:O1#0", O1)
    net.confirm(B, "opportunity:O1#0")
    net.confirm(A, "merge:account:A")
    net.run()
    assert sorted(net.events(S)) == ["e1", "e2"]
    assert [net.bucket(S, b) for b in ("mv", "mc", "mp", "mq")] == [{}] * 4


def test_6_an_entity_that_arrives_without_rows_is_here() -> None:
    net = Network()
    net.move(A, B, "opportunity:O1#0", O1)
    net.begin(B, "merge:account:S", ALL)
    net.give(B, "event", deal("e1"))
    assert net.bucket(B, "mq") == {}
    assert len(net.bucket(B, "mp")) == 1  # held, but not queued for rows that will never come


def test_7_a_forwarded_event_keeps_its_place() -> None:
    net = Network()
    net.begin(S, "merge:account:A", ALL)
    net.out(A, S, "merge:account:A", ALL)
    net.give(
        A, "event", event("opportunity.updated", "early", MARCH + 90 * SECOND, opportunity="O1", amount="1")
    )
    net.give(
        S, "event", event("opportunity.updated", "late", MARCH + 90 * SECOND, opportunity="O1", amount="2")
    )
    net.run()  # the early one arrives after the late one
    net.confirm(A, "merge:account:A")
    net.run()
    assert net.bucket(S, "e")["opportunity|O1"]["d"]["amount"] == "2"
    assert [row["o"][2] for row in net.bucket(S, "v|opportunity|O1").values()] == [3, 4]


def test_8_a_follower_that_is_elsewhere_is_answered_with_an_end() -> None:
    net = Network()
    net.begin(B, "quote:Q1#0", entity("Q1", "quote"))
    net.out(A, B, "quote:Q1#0", entity("Q1", "quote"))
    assert net.to(B) == ["move.end"]
    net.confirm(A, "quote:Q1#0")
    net.run()
    assert net.bucket(B, "mv") == {}


def test_a_confirmation_waits_for_its_out() -> None:
    net = Network()
    net.begin(B, "opportunity:O1#0", O1)
    net.begin(S, "opportunity:O1#1", O1)
    net.out(B, S, "opportunity:O1#1", O1)
    net.confirm(B, "opportunity:O1#1")  # the rows are not even at B
    assert net.sent == []
    net.out(A, B, "opportunity:O1#0", O1)
    net.confirm(A, "opportunity:O1#0")
    net.run()
    assert net.bucket(S, "mv") == {}


def test_a_confirmation_waits_for_what_brought_the_entity() -> None:
    net = Network()
    net.give(A, "event", deal("e1"))
    net.begin(S, "merge:account:A", ALL, partitions=2)
    net.out(A, S, "merge:account:A", ALL)
    net.confirm(A, "merge:account:A", 0)
    net.run()
    net.begin(B, "opportunity:O1#0", O1)
    net.out(S, B, "opportunity:O1#0", O1)
    net.confirm(S, "opportunity:O1#0")
    net.run()
    assert list(net.bucket(B, "mv")) == ["opportunity:O1#0"]
    net.give(A, "event", deal("e2"))  # the second identity partition has not heard of the merge
    net.confirm(A, "merge:account:A", 1)
    net.run()
    assert net.bucket(B, "mv") == {}
    assert sorted(net.events(B)) == ["e1", "e2"]


def test_a_begin_that_came_the_long_way_takes_its_place_before_later_outs() -> None:
    net = Network()
    net.begin(S, "merge:account:A", ALL)
    net.begin(A, "opportunity:O1#0", O1)
    net.out(A, S, "merge:account:A", ALL)
    net.out(S, B, "opportunity:O1#1", O1)
    assert net.to(B) == []
    net.confirm(A, "merge:account:A")
    net.run()
    assert net.bucket(S, "mc")["opportunity|O1"][0] == "opportunity:O1#0"
    assert net.to(B) == []  # not before its rows are here
