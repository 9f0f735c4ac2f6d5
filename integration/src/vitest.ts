// Brokers in vitest: one for a file's tests, and in their reports which it was. The rest of this package knows no test runner.
import { afterAll, beforeAll, beforeEach, it, type TestContext } from "vitest";
import type { BrokerKind, BrokerOptions, RunningBrokers } from "./brokers/servers.ts";
import type { Provider } from "./brokers/providers.ts";

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
	beforeEach((context) => {
		report(context, backend, provider, broker);
		if (provider.skip !== undefined) context.skip(provider.skip);
	});
	afterAll(() => broker?.dispose());
	return {
		get broker() {
			if (!broker) throw new Error("the broker is started before the tests, not while they are collected");
			return broker;
		},
	};
}

/** What `npm test`'s table counts by; see scripts/vitest-meta.d.ts. */
function report({ task }: TestContext, backend: string, provider: Provider, broker: RunningBrokers[BrokerKind] | undefined): void {
	task.meta.backend = backend;
	task.meta.version = broker ? `${provider.product} ${broker.version}` : provider.title;
	task.meta.how = broker?.how ?? provider.via;
	if (provider.skip !== undefined) task.meta.reason = provider.skip;
}

interface Skips {
	skip(reason: string): unknown;
}

/** As vitest's `it`, for tests that skip what the backend does not support, and start their broker themselves. */
export function reportingIt(backend: string, provider: Provider, broker: () => RunningBrokers[BrokerKind] | undefined) {
	return (title: string, test: (context: Skips) => Promise<void>, timeoutMs?: number): void => {
		it(
			title,
			async (context) => {
				report(context, backend, provider, undefined);
				if (provider.skip !== undefined) context.skip(provider.skip);
				const skip = (reason: string) => {
					report(context, backend, provider, broker());
					context.task.meta.reason = reason;
					context.skip(reason);
				};
				try {
					await test({ skip });
				} finally {
					report(context, backend, provider, broker());
				}
			},
			timeoutMs,
		);
	};
}
