// The journals of all groups, and the view of groups in Redis' own tools.
import type { JournalLog, JournalStore, Offset, Partition, TopicStore } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { type JournalContext, StreamJournal } from "./journal.ts";
import { idBefore } from "./offset-mapping.ts";
import { openJournalScript } from "./scripts/journal.ts";

/** Consumer groups of these names are only mirrors: nothing reads through them. */
export class RedisJournals implements JournalStore {
	readonly #context: JournalContext;
	readonly #topics: TopicStore;

	constructor(context: JournalContext, topics: TopicStore) {
		this.#context = context;
		this.#topics = topics;
	}

	async open(group: string, signal?: AbortSignal): Promise<JournalLog> {
		const { groups } = this.#context.topology;
		await this.#run(groups, (client) => openJournalScript.run(client, [groups], [group]), signal);
		return new StreamJournal(this.#context, group);
	}

	async find(group: string, signal?: AbortSignal): Promise<JournalLog | undefined> {
		const { groups } = this.#context.topology;
		const known = await this.#run(groups, (client) => client.sismember(groups, group), signal);
		return known === 1 ? new StreamJournal(this.#context, group) : undefined;
	}

	async list(signal?: AbortSignal): Promise<string[]> {
		const { groups } = this.#context.topology;
		return await this.#run(groups, (client) => client.smembers(groups), signal);
	}

	async delete(group: string, signal?: AbortSignal): Promise<boolean> {
		const { topology } = this.#context;
		const journal = topology.journal(group);
		await this.#run(journal, (client) => client.unlink(journal), signal);
		const known = await this.#run(topology.groups, (client) => client.srem(topology.groups, group), signal);
		if (known === 1) await this.#unmirror(group, signal);
		return known === 1;
	}

	/**
	 * Sets each stream's consumer group to the last record processed, so that XINFO GROUPS shows where the group
	 * stands; with the number of entries read where ids are dense, so that its `lag` is right too (unless entries were
	 * deleted one by one: then Redis says null, or counts wrongly, as always).
	 */
	async mirror(group: string, committed: Iterable<readonly [Partition, Offset]>): Promise<void> {
		const mirrored = [...committed].map(([partition, offset]) => {
			const { stream } = this.#context.topology.partition(partition);
			return this.#run(stream, (client) => mirrorOne(client, stream, this.#mirrorName(group, partition.topic), offset));
		});
		await Promise.allSettled(mirrored);
	}

	/** An adopted stream may have real consumer groups, whose position is not ours to move. */
	#mirrorName(group: string, topic: string): string {
		return this.#context.topology.adopted.has(topic) ? `polylog:${group}` : group;
	}

	async #unmirror(group: string, signal: AbortSignal | undefined): Promise<void> {
		for (const topic of await this.#topics.list(signal)) {
			const description = await this.#topics.describe(topic, signal);
			const streams = (description?.partitions ?? []).map((partition) => this.#context.topology.partition(partition).stream);
			const name = this.#mirrorName(group, topic);
			await Promise.allSettled(
				streams.map((stream) => this.#run(stream, (client) => client.call("XGROUP", "DESTROY", stream, name), signal)),
			);
		}
	}

	#run<T>(key: string, send: (client: Redis) => Promise<T>, signal?: AbortSignal): Promise<T> {
		return this.#context.commands.run(key, send, { signal });
	}
}

async function mirrorOne(client: Redis, stream: string, name: string, offset: Offset): Promise<void> {
	const id = idBefore(offset);
	const position = id.startsWith("0-") ? [id, "ENTRIESREAD", String(offset)] : [id];
	try {
		await client.call("XGROUP", "SETID", stream, name, ...position);
	} catch (error) {
		if (!String(error).includes("NOGROUP")) return;
		await client.call("XGROUP", "CREATE", stream, name, ...position).catch(() => undefined);
	}
}
