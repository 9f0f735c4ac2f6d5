// Group journals: one stream for each group.
//
// Appends go over the connection that also appends records, whose `generation` tells core when to prove its places
// again. Waiting has a connection of its own, so that no amount of data traffic delays a heartbeat's way back.
import {
	type Clock,
	type JournalBounds,
	type JournalCursor,
	type JournalEntry,
	type JournalLog,
	JournalPlaceLost,
	PolylogError,
	type RecordProof,
	recordDigest,
} from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { toRecord } from "./message-mapping.ts";
import { idAtOrAbove, offsetOfId, ZERO_ID } from "./offset-mapping.ts";
import type { Replication } from "./replication.ts";
import { journalAppendScript, lookedScript, openJournalScript } from "./scripts/journal.ts";
import { readPlace } from "./scripts/place.ts";
import { anotherConnection } from "./servers/link.ts";
import type { Route, Waiting } from "./servers/servers.ts";
import type { PartitionKeys, Topology } from "./topology.ts";

const PAGE = 1000;
/** A wait is cut here, so that the place is proven at least this often: a journal made again wakes nobody. */
const LONGEST_WAIT_MS = 1000;

export interface JournalContext {
	readonly commands: Route;
	readonly tail: Waiting;
	readonly replication: Replication;
	readonly topology: Topology;
	readonly clock: Clock;
}

export class StreamJournal implements JournalLog {
	readonly #context: JournalContext;
	readonly #group: string;
	readonly #key: string;
	readonly #closed = new AbortController();

	constructor(context: JournalContext, group: string) {
		this.#context = context;
		this.#group = group;
		this.#key = context.topology.journal(group);
	}

	get connection(): number {
		return this.#context.commands.generation;
	}

	async append(bytes: Uint8Array, connection: number, signal?: AbortSignal): Promise<{ readonly durable: boolean }> {
		const { commands, replication, topology } = this.#context;
		const entry = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		const { count, durable } = await commands.run(
			this.#key,
			async (client) => {
				const reply = await journalAppendScript.run(client, [this.#key], [entry]);
				return { count: Array.isArray(reply) ? Number(reply[1]) : 0, durable: await replication.reached(client) };
			},
			{ generation: connection, signal },
		);
		// The first entry, perhaps of a journal that somebody deleted: the group is there again.
		if (count === 1) await commands.run(topology.groups, (client) => openJournalScript.run(client, [topology.groups], [this.#group]));
		return { durable };
	}

	async read(cursor: JournalCursor | undefined, waitMs: number, signal?: AbortSignal): Promise<readonly JournalEntry[]> {
		if (this.#closed.signal.aborted)
			throw new PolylogError("CLOSED", `the journal of the group "${this.#group}" was closed`, { group: this.#group });
		const until = this.#context.clock.now() + waitMs;
		for (;;) {
			const entries = await this.#range(cursor, signal);
			if (this.#closed.signal.aborted) return [];
			const leftMs = until - this.#context.clock.now();
			if (entries.length > 0 || leftMs <= 0) return entries;
			const afterId = cursor ? idAtOrAbove(cursor.position) : ZERO_ID;
			const stop = signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal;
			await this.#context.tail.wait(this.#key, afterId, Math.min(leftMs, LONGEST_WAIT_MS), stop);
			signal?.throwIfAborted();
		}
	}

	async prove(proofs: readonly RecordProof[], connection: number, signal?: AbortSignal): Promise<boolean> {
		const proven = await Promise.all(
			proofs.map((proof) => {
				const keys = this.#context.topology.partition(proof.partition);
				return this.#context.commands.run(keys.stream, (client) => stands(client, keys, proof), { generation: connection, signal });
			}),
		);
		if (connection !== this.connection) throw anotherConnection("Redis");
		return proven.every(Boolean);
	}

	async settled(connection: number, signal?: AbortSignal): Promise<void> {
		const { commands, replication, topology } = this.#context;
		if (!replication.asked) return;
		const looked = topology.looked(this.#group);
		const reached = await commands.run(
			looked,
			async (client) => {
				await lookedScript.run(client, [looked], []);
				return await replication.reached(client);
			},
			{ generation: connection, signal },
		);
		if (reached) return;
		const message = `the journal of the group "${this.#group}" is not on as many replicas as "minReplicas" asks for`;
		throw new PolylogError("UNAVAILABLE", message, { group: this.#group });
	}

	async bounds(signal?: AbortSignal): Promise<JournalBounds> {
		return await this.#context.commands.run(
			this.#key,
			async (client) => {
				// One reply for all of it, taken at one moment: a partition's place serves, without metadata.
				const [place, first, last] = await Promise.all([
					readPlace(client, { stream: this.#key, meta: this.#key + ":none", producers: "", adopted: true }),
					client.xrangeBuffer(this.#key, "-", "+", "COUNT", 1),
					client.xrevrangeBuffer(this.#key, "+", "-", "COUNT", 1),
				]);
				return { first: positionOf(first), last: positionOf(last), complete: place.complete };
			},
			{ signal },
		);
	}

	async truncateBefore(position: bigint, signal?: AbortSignal): Promise<void> {
		await this.#context.commands.run(this.#key, (client) => client.xtrim(this.#key, "MINID", idAtOrAbove(position)), { signal });
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	/** Entries after the cursor, in one reply with the entry at the cursor, which proves it. */
	async #range(cursor: JournalCursor | undefined, signal: AbortSignal | undefined): Promise<JournalEntry[]> {
		const from = cursor ? idAtOrAbove(cursor.position) : "-";
		const ask = (client: Redis) => client.xrangeBuffer(this.#key, from, "+", "COUNT", PAGE);
		const raw = await this.#context.commands.run(this.#key, ask, { signal });
		const entries = raw.map(([id, fields]) => ({ position: offsetOfId(String(id)), bytes: fields[1] ?? Buffer.alloc(0) }));
		if (!cursor) return entries;
		const [anchor, ...rest] = entries;
		if (anchor?.position !== cursor.position || !anchor.bytes.equals(cursor.bytes)) throw new JournalPlaceLost();
		return rest;
	}
}

async function stands(client: Redis, keys: PartitionKeys, { offset, digest }: RecordProof): Promise<boolean> {
	const id = idAtOrAbove(offset);
	const [[entry], place] = await Promise.all([client.xrangeBuffer(keys.stream, id, id), readPlace(client, keys)]);
	if (entry) return recordDigest(toRecord(entry)) === digest;
	return place.exists && !place.complete && offset < place.earliest && offset < place.end;
}

function positionOf(entries: readonly (readonly [Buffer, readonly Buffer[]])[]): bigint | undefined {
	const [entry] = entries;
	return entry && offsetOfId(String(entry[0]));
}
