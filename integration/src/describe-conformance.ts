// The conformance kit on a server of the tests': one test file for each server, so that they run side by side.
import { describeDriver } from "@polylog/conformance";
import type { Retention } from "@polylog/core";
import type { Adapter } from "@polylog/core/driver";
import { describe, it } from "vitest";
import type { RunningBroker } from "./brokers/broker.ts";
import { withLock } from "./brokers/lock.ts";
import type { GroupProvider } from "./brokers/redis-groups.ts";
import { reportBroker } from "./vitest.ts";

export interface ConformanceOptions {
	readonly adapter: Adapter;
	/** See the kit's `Harness.retention`. */
	readonly retention?: Retention;
}

/** Of the kit's groups: twice its own default, since several kits and brokers share two cores in CI. */
const SESSION_TIMEOUT_MS = 3000;

/** To none of the checks it matters how soon a connection is given up that cannot be made. */
const CONNECT_TIMEOUT_MS = 15_000;

/** Checks that take times wait for each other, whichever file and process they are in. */
export function describeConformance(provider: GroupProvider<RunningBroker, never>, { adapter, retention }: ConformanceOptions): void {
	let broker: RunningBroker | undefined;
	const start = async () => {
		const started = await provider.start();
		broker = started;
		const config = { url: started.url, [adapter.name]: { connectTimeoutMs: CONNECT_TIMEOUT_MS } };
		return { config, stop: () => started.dispose() };
	};
	reportBroker(adapter.name, provider, () => broker);
	const harness = { name: `${adapter.name} on ${provider.title}`, adapter, start, ...(retention && { retention }) };
	describeDriver(harness, { describe, it }, { sessionTimeoutMs: SESSION_TIMEOUT_MS, exclusively: (check) => withLock("timing", check) });
}
