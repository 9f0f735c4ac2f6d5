// Kafka keeps every promise of the contract, in one process and in several, on a real Kafka. A file for each server, so that they run side by side.
import { describeDriver } from "@polylog/conformance";
import { type Provider, type RunningBroker, withLock } from "@polylog/integration";
import { reportBroker } from "@polylog/integration/vitest";
import { describe, it } from "vitest";
import { adapter } from "../src/index.ts";

export function describeConformance(provider: Provider<"kafka">): void {
	let broker: RunningBroker | undefined;
	async function start() {
		const started = await provider.start();
		broker = started;
		return { config: { url: started.url }, stop: () => started.dispose() };
	}
	reportBroker("kafka", provider, () => broker);
	// Kafka deletes whole segments, and takes none below 1 MB.
	const harness = { name: `kafka on ${provider.title}`, adapter, start, retention: { bytes: 100_000 } };
	describeDriver(harness, { describe, it }, { exclusively: (check) => withLock("timing", check) });
}
