"""What names no customer any more belongs to nobody; a conversion is undone; a merge is not, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.identity.cluster import MARCH, SECOND, Cluster, event, fill

Sent = tuple[str, dict[str, Any]]

MERGE = "account:A1", event("account.merged", "m", account="A1", into="A2")
TAKEN_BACK = "account:A1", event("account.deleted", "d", account="A1", event="m")
ELSEWHERE = "account:A1", event("account.corrected", "c", account="A1", event="m", into="A3")
LEAD = "lead:L1", event("lead.created", "l", lead="L1")
CONVERTED = "lead:L1", event("lead.converted", "v", lead="L1", account="A1", opportunity="O1")


def deal(name: str, native: str = "O1", time: int = MARCH, **data: Any) -> Sent:
    return f"opportunity:{native}", event("opportunity.updated", name, time, opportunity=native, **data)


def home(*records: Sent, entity: str = "opportunity||O1") -> list[str]:
    """The keys at which the entity is in the end."""
    cluster = fill(Cluster(3), records)
    assert cluster.codes() == []
    return list(cluster.places().get(entity, {}))


@pytest.mark.parametrize("change", [TAKEN_BACK, ELSEWHERE])
def test_a_merge_that_was_done_is_not_undone_and_says_so(change: Sent) -> None:
    cluster = fill(Cluster(3), [deal("e", account="A1"), MERGE, change])
    (dead,) = cluster.dead
    told = dead.error.to_dict()
    assert (told["code"], told["place"]) == ("SW-STREAM-046", "account:A1: crm/m")
    assert "account:A1 and account:A2" in told["expected"]
    assert told["found"] == change[1]["type"]
    assert "new id" in told["next_step"]
    assert cluster.places() == {
        "account||A1": {"account:A2": ["m"]},
        "opportunity||O1": {"account:A2": ["e"]},
    }


def test_what_changes_nothing_of_a_merge_is_taken() -> None:
    same = "account:A1", event("account.corrected", "c", account="A1", event="m", into="A2", reason="twins")
    assert home(deal("e", account="A1"), MERGE, same) == ["account:A2"]


def test_a_merge_that_is_taken_back_before_it_comes_never_was() -> None:
    assert home(deal("e", account="A1"), TAKEN_BACK, MERGE) == ["account:A1"]


def test_a_merge_that_is_corrected_before_it_comes_goes_the_right_way() -> None:
    assert home(deal("e", account="A1"), ELSEWHERE, MERGE) == ["account:A3"]


def test_a_further_id_of_an_account_is_for_good_as_well() -> None:
    ids = [{"namespace": "erp", "id": "C9"}]
    named = "account:A1", event("account.updated", "i", account="A1", ids=ids)
    cluster = fill(Cluster(), [named, ("account:A1", event("account.deleted", "d", account="A1", event="i"))])
    assert cluster.codes() == ["SW-STREAM-046"]


def test_what_was_merged_away_is_related_anew_by_corrections_that_name_a_new_account() -> None:
    change = "opportunity:O1", event("opportunity.corrected", "c", opportunity="O1", event="e", account="A9")
    assert home(deal("e", account="A1"), MERGE, change) == ["account:A9"]


def test_a_conversion_that_is_taken_back_gives_the_deal_back_and_the_lead() -> None:
    gone = "lead:L1", event("lead.deleted", "d", lead="L1", event="v")
    records = [LEAD, deal("e"), ("quote:Q1", event("quote.created", "q", quote="Q1", opportunity="O1"))]
    cluster = fill(Cluster(3), [*records, CONVERTED])
    assert {key for found in cluster.places().values() for key in found} == {"account:A1"}
    assert fill(cluster, [gone]).places() == {
        "lead||L1": {"lead:L1": ["l", "v", "d"]},
        "opportunity||O1": {"opportunity:O1": ["e"]},
        "quote||Q1": {"opportunity:O1": ["q"]},
    }


def test_a_conversion_that_is_corrected_takes_the_other_deal() -> None:
    change = "lead:L1", event("lead.corrected", "c", lead="L1", event="v", opportunity="O2")
    cluster = fill(Cluster(3), [LEAD, deal("e"), deal("f", "O2"), CONVERTED, change])
    places = cluster.places()
    assert places["opportunity||O1"] == {"opportunity:O1": ["e"]}
    assert places["opportunity||O2"] == {"account:A1": ["f"]}


def test_a_deal_that_names_its_customer_itself_hears_of_no_conversion() -> None:
    gone = "lead:L1", event("lead.deleted", "d", lead="L1", event="v")
    assert home(LEAD, CONVERTED, deal("e", account="A2"), gone) == ["account:A2"]


def test_what_named_the_only_customer_is_taken_back_and_named_anew() -> None:
    back = "opportunity:O1", event("opportunity.deleted", "d", opportunity="O1", event="e")
    records = [deal("c", time=MARCH - SECOND), deal("e", account="A1"), back]
    assert home(*records) == ["opportunity:O1"]
    assert home(*records, deal("f", account="A2")) == ["account:A2"]


def test_an_address_that_was_never_the_contacts_is_unknown_again() -> None:
    contact = "contact:K1", event("contact.updated", "k", contact="K1", account="A1", mail="a@x.cn")
    change = "contact:K1", event("contact.corrected", "c", contact="K1", event="k", mail="b@x.cn")
    cluster = fill(Cluster(3), [contact, *(message(name) for name in "1"), change, message("2")])
    assert [w.key for w in cluster.waiting()] == ["message:2"]
    assert cluster.places()["message||1"] == {"mail:a@x.cn": ["m1"]}
    fill(cluster, [("contact:K2", event("contact.updated", "n", contact="K2", account="A2", mail="a@x.cn"))])
    assert [cluster.places()[f"message||{n}"] for n in "12"] == [
        {"account:A2": ["m1"]},
        {"account:A2": ["m2"]},
    ]


def message(name: str) -> Sent:
    value = event("message.sent", f"m{name}", message=name, direction="in")
    return f"message:{name}", {**value, "data": {**value["data"], "from": "a@x.cn"}}
