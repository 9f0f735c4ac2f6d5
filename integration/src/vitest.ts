// Brokers in vitest: one for a file's tests, and in their reports which it was. The rest of this package knows no test runner.
import { afterAll, afterEach, beforeAll, beforeEach, type TestContext } from "vitest";
import type { BrokerKind, BrokerOptions, RunningBrokers } from "./brokers/servers.ts";
import type { Provider } from "./brokers/providers.ts";

type Broker = Pick<RunningBrokers[BrokerKind], "version" | "how">;
type Reported = Pick<Provider, "product" | "via" | "title" | "skip">;

/** A broker for the tests of the suite this is called in; they are skipped, with the reason, where there is none. */
export function useBroker<K extends BrokerKind>(
	backend: string,
	provider: Provider<K>,
	options?: BrokerOptions[K],
): { readonly broker: RunningBrokers[K] } {
	let broker: RunningBrokers[K] | undefined;
	beforeAll(async () => {
		if (provider.skip === undefined) broker = await provider.start(options);
	});
	afterAll(() => broker?.dispose());
	reportBroker(backend, provider, () => broker);
	return {
		get broker() {
			if (!broker) throw new Error("the broker is started before the tests, not while they are collected");
			return broker;
		},
	};
}

/** For tests that start their broker themselves: what `npm test`'s table counts by (scripts/vitest-meta.d.ts), and the skip. */
export function reportBroker(backend: string, provider: Reported, broker: () => Broker | undefined): void {
	beforeEach((context) => {
		report(context, backend, provider, broker());
		if (provider.skip !== undefined) context.skip(provider.skip);
	});
	// Again, for a broker that the first test starts, and for the reason of a test that skipped itself.
	afterEach((context) => report(context, backend, provider, broker()));
}

function report({ task }: TestContext, backend: string, provider: Reported, broker: Broker | undefined): void {
	task.meta.backend = backend;
	task.meta.version = broker ? `${provider.product} ${broker.version}` : provider.title;
	task.meta.how = broker?.how ?? provider.via;
	// Where vitest keeps what was given to `skip`; no reporter passes it on.
	const reason = provider.skip ?? (task.result && "note" in task.result ? task.result.note : undefined);
	if (typeof reason === "string") task.meta.reason = reason;
}
