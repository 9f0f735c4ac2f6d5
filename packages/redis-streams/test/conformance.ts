// Redis Streams keeps every promise of the contract, in one process and in several, on a real server. A file for each server, so that they run side by side.
import { describeDriver } from "@polylog/conformance";
import { type GroupProvider, type RunningBroker, withLock } from "@polylog/integration";
import { reportBroker } from "@polylog/integration/vitest";
import { describe, it } from "vitest";
import { adapter } from "../src/index.ts";

export function describeConformance(provider: GroupProvider<RunningBroker, never>): void {
	let broker: RunningBroker | undefined;
	async function start() {
		const started = await provider.start();
		broker = started;
		return { config: { url: started.url }, stop: () => started.dispose() };
	}
	reportBroker("redis-streams", provider, () => broker);
	const harness = { name: `redis-streams on ${provider.title}`, adapter, start };
	describeDriver(harness, { describe, it }, { exclusively: (check) => withLock("timing", check) });
}
