// Redis Streams keeps every promise of the contract, in one process and in several, on a real server. A file for each server, so that they run side by side.
import { describeDriver } from "@polylog/conformance";
import type { RunningBroker } from "@polylog/integration";
import { reportingIt } from "@polylog/integration/vitest";
import { describe } from "vitest";
import { adapter } from "../src/index.ts";
import type { RedisProvider } from "./harness.ts";

export function describeConformance(provider: RedisProvider): void {
	let broker: RunningBroker | undefined;
	async function start() {
		const started = await provider.start();
		broker = started;
		return { config: { url: started.url }, stop: () => started.dispose() };
	}
	const it = reportingIt("redis-streams", provider, () => broker);
	describeDriver({ name: `redis-streams on ${provider.title}`, adapter, start }, { describe, it });
}
