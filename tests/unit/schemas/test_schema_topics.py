"""The table of topics covers what the topology names, and says of each how long it is kept."""

from __future__ import annotations

from schemas.topics import DLQ, FOREVER, TOPICS, all_topics, changelog_of, dlq_of, slots_of, ticks_of
from streams.topology import INTAKE, MACHINES, RESOLVE, SALES_EVENTS, SINKS


def table() -> dict[str, object]:
    stamping = [spec.name for spec in MACHINES if spec.fed_by is None]
    return {topic.name: topic for topic in all_topics([spec.name for spec in MACHINES], stamping)}


def test_every_topic_of_the_topology_is_in_the_table() -> None:
    named = {topic for spec in MACHINES for topic in spec.inputs} | set(SINKS) | {*INTAKE, RESOLVE}
    assert named <= {topic.name for topic in TOPICS}


def test_every_input_of_a_machine_has_dead_letters() -> None:
    inputs = {topic for spec in MACHINES for topic in spec.inputs}
    assert {dlq_of(topic) for topic in inputs} <= set(table())
    assert not any(topic.name.endswith(DLQ + DLQ) for topic in all_topics(["m"]))


def test_every_machine_has_a_changelog_and_slots_and_those_that_stamp_have_ticks() -> None:
    names = set(table())
    assert {name for spec in MACHINES for name in (changelog_of(spec.name), slots_of(spec.name))} <= names
    assert ticks_of("identity") in names
    assert ticks_of("account") not in names


def test_names_are_unique() -> None:
    topics = all_topics([spec.name for spec in MACHINES], ["identity"])
    assert len({topic.name for topic in topics}) == len(topics)


def test_sales_events_are_kept_for_good_and_rows_are_compacted() -> None:
    by_name = {topic.name: topic for topic in all_topics(["account"])}
    assert by_name[SALES_EVENTS].kept == FOREVER
    assert by_name[SALES_EVENTS].config()["retention.ms"] == "-1"
    assert by_name[changelog_of("account")].config()["cleanup.policy"] == "compact"


def test_intake_is_stamped_by_the_broker() -> None:
    by_name = {topic.name: topic for topic in TOPICS}
    assert {by_name[name].config()["message.timestamp.type"] for name in INTAKE} == {"LogAppendTime"}
