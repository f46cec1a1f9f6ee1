"""Apache Kafka on this machine: its jars, a quick start, its own tools."""

from harness.kafka.cluster import KafkaCluster
from harness.kafka.tools import kafka_tool_command

__all__ = ["KafkaCluster", "kafka_tool_command"]
