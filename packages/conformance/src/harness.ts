// What an adapter's author gives to the kit.
import type { BrokerConfig, Retention } from "@polylog/core";
import type { Adapter } from "@polylog/core/driver";

export interface Harness {
	/** How the report calls it: the adapter's name. */
	readonly name: string;
	readonly adapter: Adapter;
	/** Starts a broker or finds one. Called once; every check makes topics and groups of its own on it. */
	start(): Promise<RunningBroker>;
	/** Keeps at least 50 of the kit's records (some 20 bytes of JSON each) and not many more. Default: `{ records: 50 }`, for brokers that count. */
	readonly retention?: Retention;
}

export interface RunningBroker {
	/** What an application would give to `connect`. All connections made with it must see one log. */
	readonly config: BrokerConfig;
	/** Product and version, for the report: "Redis 7.0.15". */
	readonly server?: string;
	stop?(): Promise<void>;
}
