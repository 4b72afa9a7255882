"""The settings of a workspace: `stagewatch.toml` as frozen models, read with errors that name file and
line.
"""

from stagewatch.settings.cluster import ClusterSettings, KafkaSettings, RedisSettings
from stagewatch.settings.load import load_settings, parse_settings
from stagewatch.settings.model import Settings

__all__ = ["ClusterSettings", "KafkaSettings", "RedisSettings", "Settings", "load_settings", "parse_settings"]
