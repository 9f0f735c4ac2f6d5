// A harness for anything that `connect` takes: a broker that runs already.
import { type BrokerConfig, connect, isPolylogError, type Retention, silentLog } from "@polylog/core";
import type { Adapter } from "@polylog/core/driver";
import { loadAdapter, parseBackendUrl, systemRandom } from "@polylog/core/testing";
import type { Harness, RunningBroker } from "../harness.ts";

/** Where a broker cannot count: enough for 50 of the kit's records with what a broker adds to each. */
const SHORT_IN_BYTES: Retention = { bytes: 1_000_000 };

export interface UrlHarnessOptions {
	/** Product and version of the server. Default: not said. */
	readonly server?: string;
	/** Run after the checks. */
	readonly stop?: () => Promise<void>;
}

/** Loads the adapter as `connect` does; its package has to be installed. */
export async function harnessOf(target: BrokerConfig, options: UrlHarnessOptions = {}): Promise<Harness> {
	// Without a name each connection would have a log of its own.
	const config = target.url === "memory:" ? { ...target, url: "memory:conformance" } : target;
	const adapter = await loadAdapter(parseBackendUrl(config.url).scheme, config.adapters ?? {}, process.cwd());
	return new UrlHarness(adapter, config, options);
}

class UrlHarness implements Harness {
	readonly name: string;
	readonly adapter: Adapter;
	readonly #config: BrokerConfig;
	readonly #options: UrlHarnessOptions;
	#retention: Retention = { records: 50 };

	constructor(adapter: Adapter, config: BrokerConfig, options: UrlHarnessOptions) {
		this.name = adapter.name;
		this.adapter = adapter;
		this.#config = config;
		this.#options = options;
	}

	get retention(): Retention {
		return this.#retention;
	}

	async start(): Promise<RunningBroker> {
		const { server, stop } = this.#options;
		if (!(await this.#counts())) this.#retention = SHORT_IN_BYTES;
		return { config: this.#config, ...(server === undefined ? {} : { server }), ...(stop ? { stop } : {}) };
	}

	/** Whether the broker can keep the last 50 records of a topic: found out by asking, since no capability says so. */
	async #counts(): Promise<boolean> {
		const broker = await connect({ log: silentLog, ...this.#config });
		const name = `conf-${systemRandom.hex(6)}`;
		try {
			await broker.topics.create(name, { partitions: 1, retention: this.#retention });
			await broker.topics.delete(name);
			return true;
		} catch (error) {
			if (isPolylogError(error, "UNSUPPORTED")) return false;
			throw error;
		} finally {
			await broker.close();
		}
	}
}
