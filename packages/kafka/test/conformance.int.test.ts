// Kafka keeps every promise of the contract, in one process and in several, on a real Kafka.
import { describeDriver } from "@polylog/conformance";
import { startKafka } from "@polylog/integration";
import { describe, it } from "vitest";
import { adapter } from "../src/index.ts";

async function start() {
	const kafka = await startKafka();
	return { config: { url: kafka.url }, stop: () => kafka.dispose() };
}

// Kafka deletes whole segments, and takes none below 1 MB.
describeDriver({ name: "kafka", adapter, start, retention: { bytes: 100_000 } }, { describe, it });
