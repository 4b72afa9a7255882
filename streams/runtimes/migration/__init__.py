"""Moves a workspace or a cluster: rows, waits and logs, into other partitions, with a new epoch.

ports            what a source tells, what a target takes
copying          the one copy, whatever the two are
embedded         a workspace as source and target
cluster_source   a cluster at rest, read from its topics
cluster_target   the topics of a new cluster, written
marks            topics that say that a cluster was moved away, or is not whole yet
letters          dead letters of one as dead letters of the other

Nothing here knows what a machine means by its rows; how they are split is `streams.kernel.repartition`.
"""
