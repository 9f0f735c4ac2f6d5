/** What every Kafka of the tests is told, however it is provided: one node, nothing made by itself, quick to act. */
export const KAFKA_SETTINGS: Readonly<Record<string, string>> = {
	"auto.create.topics.enable": "false",
	"offsets.topic.replication.factor": "1",
	"offsets.topic.num.partitions": "4",
	"transaction.state.log.replication.factor": "1",
	"transaction.state.log.min.isr": "1",
	"transaction.state.log.num.partitions": "4",
	"share.coordinator.state.topic.replication.factor": "1",
	"share.coordinator.state.topic.min.isr": "1",
	"group.initial.rebalance.delay.ms": "0",
	"group.min.session.timeout.ms": "500",
	// Retention acts within a test's patience.
	"log.initial.task.delay.ms": "100",
	"log.retention.check.interval.ms": "100",
	"log.segment.delete.delay.ms": "1000",
	"log.cleaner.backoff.ms": "500",
	"num.network.threads": "2",
	"num.io.threads": "4",
};
