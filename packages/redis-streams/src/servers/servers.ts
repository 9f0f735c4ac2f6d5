// What the rest of the adapter knows of the servers: for each key a way to send commands about it. Whether that is one
// server, one that sentinels name, or many that share the keys (Redis Cluster) is decided here, behind these types.
import type { Redis } from "ioredis";
import type { RunOptions } from "./link.ts";

export interface Route {
	/** Rises with every new connection, and whenever a key may have gone to another server. */
	readonly generation: number;
	/** Sends what is about `key`, and about keys with the same hash tag, at once or rejects at once. */
	run<T>(key: string, send: (client: Redis) => Promise<T>, options?: RunOptions): Promise<T>;
}

export interface Waiting {
	/**
	 * Resolves to true once `key` has an entry above `afterId` (perhaps too early), to false after `waitMs` or an abort.
	 * Rejects once it is closed: whoever waits in a loop must not spin.
	 */
	wait(key: string, afterId: string, waitMs: number, signal?: AbortSignal): Promise<boolean>;
}

export interface Servers {
	/** Appends, journals, topics. */
	readonly commands: Route;
	/** Replies with many records, which come packed: see entry-packing.ts. */
	readonly reads: Route;
	/** Waiting for records and for journal entries; where waiting blocks, apart, so that data traffic delays no heartbeat's way back. */
	readonly records: Waiting;
	readonly journals: Waiting;
	/** The clients that append, one for each server. */
	readonly clients: readonly Redis[];
	connect(signal?: AbortSignal): Promise<void>;
	close(): Promise<void>;
	destroy(): void;
}
