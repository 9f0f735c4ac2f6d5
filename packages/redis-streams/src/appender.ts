// Appends batches, and says what became of them.
import {
	type AppendOutcome,
	type OutgoingRecord,
	type Partition,
	partitionKey,
	PolylogError,
	type ProducerIdentity,
} from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { packBatch } from "./batch-encoding.ts";
import { classify, isRefusal } from "./errors.ts";
import { Gate } from "./gate.ts";
import { toFields } from "./message-mapping.ts";
import { offsetOfId } from "./offset-mapping.ts";
import type { Replication } from "./replication.ts";
import { appendScript, MAX_PRODUCERS, PRODUCER_MEMORY_MS, tidyScript } from "./scripts/append.ts";
import type { Route } from "./servers/servers.ts";
import type { PartitionKeys, Topology } from "./topology.ts";

/**
 * Batches under way at once. The others wait here, where the command timeout does not run and where they do not stand
 * before a heartbeat: a thousand partitions flushing together took longer than the timeout on a busy machine.
 */
const APPENDS_AT_ONCE = 32;

export class Appender {
	readonly #gate = new Gate(APPENDS_AT_ONCE);
	readonly #route: Route;
	readonly #topology: Topology;
	readonly #replication: Replication;
	/**
	 * Sequences whose outcome is unknown, by partition and producer. A later attempt that Redis refuses proves nothing
	 * about the first one, so it must not be called failed.
	 */
	readonly #doubtful = new Map<string, number>();

	constructor(route: Route, topology: Topology, replication: Replication) {
		this.#route = route;
		this.#topology = topology;
		this.#replication = replication;
	}

	async append(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal?: AbortSignal,
	): Promise<readonly AppendOutcome[]> {
		signal?.throwIfAborted();
		if (records.length === 0) return [];
		const doubt = `${producer.id} ${producer.epoch} ${partitionKey(partition)}`;
		const keys = this.#topology.partition(partition);
		let sent = false;
		try {
			const first = await this.#gate.run(async () => {
				const batch = packBatch(records.map(toFields));
				const send = (client: Redis) => {
					sent = true;
					return this.#send(client, keys, batch, producer);
				};
				return await this.#route.run(keys.stream, send, { signal });
			});
			this.#doubtful.delete(doubt);
			return records.map((_, at) => ({ status: "ok", offset: first + BigInt(at) }));
		} catch (error) {
			if (sent && !isRefusal(error)) this.#doubtful.set(doubt, producer.sequence);
			signal?.throwIfAborted();
			if (classify(error).code === "BACKPRESSURE") await this.#makeRoom(keys);
			const refused = isRefusal(error) || (!sent && classify(error).code === "CLOSED");
			const certain = refused && this.#doubtful.get(doubt) !== producer.sequence && !isLateCopy(error);
			const outcome = { status: certain ? "failed" : "unknown", error: describe(error, partition) } as const;
			return records.map(() => outcome);
		}
	}

	async #send(client: Redis, keys: PartitionKeys, batch: Buffer, producer: ProducerIdentity): Promise<bigint> {
		const { id, epoch, sequence } = producer;
		const values = [
			batch,
			id,
			String(epoch),
			String(sequence),
			keys.adopted ? "1" : "0",
			String(PRODUCER_MEMORY_MS),
			String(MAX_PRODUCERS),
		];
		const first = await appendScript.run(client, [keys.stream, keys.meta, keys.producers], values);
		if (!(await this.#replication.reached(client))) {
			throw new PolylogError("UNAVAILABLE", `appended, but not on as many replicas as "minReplicas" asks for`);
		}
		return offsetOfId(String(first));
	}

	/** Out of memory: retention may hold what can go. Best effort; the caller tries again or not. */
	async #makeRoom(keys: PartitionKeys): Promise<void> {
		try {
			await this.#route.run(keys.stream, (client) => tidyScript.run(client, [keys.stream, keys.meta], []));
		} catch {
			// The append's own error says more.
		}
	}
}

/** Refused because a later batch of the same producer is stored: this one may be too, long ago. */
function isLateCopy(error: unknown): boolean {
	return error instanceof Error && error.message.startsWith("POLYLOGFENCED producer sequence");
}

function describe(error: unknown, partition: Partition): unknown {
	if (!(error instanceof Error)) return error;
	const context = { topic: partition.topic, partition: partition.index };
	if (error.message.startsWith("POLYLOGTOPIC"))
		return new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(partition)} does not exist`, context);
	if (error.message.startsWith("POLYLOGFENCED"))
		return new PolylogError(
			"FENCED",
			`append to ${partitionKey(partition)} refused:${error.message.slice("POLYLOGFENCED".length)}`,
			context,
		);
	return error;
}
