// The catalogue on the broker: a short stream that every process reads and tails. AMQP cannot list queues.
import { type Clock, PolylogError, type Random, sleep } from "@polylog/core/driver";
import { type CatalogueChange, type CatalogueItem, CatalogueState, decodeEntry, encodeEntry, type Kind } from "./catalogue-state.ts";
import type { ConsumerPool, Subscription } from "./consumer-pool.ts";
import { entryBytes } from "./entry-mapping.ts";
import { type EntryLog, EntryReturned } from "./entry-log.ts";
import { classify, isMissing } from "./errors.ts";
import { offsetOf } from "./message-mapping.ts";
import type { Settings } from "./options.ts";
import type { Probe } from "./probe.ts";
import { declareStream, shortStreamArguments } from "./streams.ts";
import { CATALOGUE } from "./topology.ts";
import { Bell } from "./waiting.ts";

const PREFETCH = 500;
const SNAPSHOT_BYTES = 256 * 1024;
/** One wait for an entry to come back; several of them make a timeout. */
const WAIT_MS = 1000;
const RETRY_MS = 50;
/** For another process to finish what it makes or deletes. */
const PATIENCE_MS = 5000;
/** For a broker's first catalogue, which several processes may be making at once. */
const FIRST_MS = 8000;

export interface CatalogueContext {
	readonly pool: ConsumerPool;
	readonly probe: Probe;
	readonly entries: EntryLog;
	readonly clock: Clock;
	readonly random: Random;
	readonly settings: Settings;
}

interface Read {
	readonly offset: bigint;
	readonly change: CatalogueChange;
}

/** One reading of the stream, from its beginning on. */
class Reading {
	readonly subscription: { current: Subscription | undefined } = { current: undefined };
	state = new CatalogueState();
	/** Everything read so far, until a snapshot or the true beginning gives it a meaning. */
	unplaced: Read[] | undefined;
	next = 0n;
	bytesSinceSnapshot = 0;
	snapshotBytes = 0;
	ended = false;
	readonly nonces = new Set<string>();
}

export class Catalogue {
	readonly #context: CatalogueContext;
	readonly #bell = new Bell();
	#reading: Reading | undefined;
	#starting: Promise<Reading> | undefined;
	#syncing: Promise<CatalogueState> | undefined;
	#syncAfter: Promise<CatalogueState> | undefined;

	constructor(context: CatalogueContext) {
		this.#context = context;
	}

	/** What is known without asking. */
	known(kind: Kind, name: string): CatalogueItem | undefined {
		return this.#reading?.state.get(kind, name);
	}

	/** Makes a topic or group by `build`, unless it exists: false if it did. Of several at once one builds, the others wait. */
	async make(
		claim: Omit<CatalogueItem, "id" | "phase">,
		build: (item: CatalogueItem) => Promise<void>,
		demolish: (item: CatalogueItem) => Promise<void>,
		signal?: AbortSignal,
	): Promise<boolean> {
		const { kind, name } = claim;
		const { clock, random } = this.#context;
		const id = random.hex(8);
		let state = await this.sync();
		for (const until = clock.now() + PATIENCE_MS; ; state = await this.sync()) {
			const known = state.get(kind, name);
			if (known?.phase === "ready") return false;
			const mine = known?.id === id;
			// Whoever began may have died over it.
			const leftOver = clock.now() >= until;
			if (known?.phase === "dropping" && leftOver) await this.#demolish(known, demolish, signal);
			else if (known?.phase === "making" && (mine || leftOver)) {
				await build(known);
				const done = await this.change({ type: "ready", kind, name, id: known.id }, signal);
				if (done.get(kind, name)?.id === known.id) return true;
			} else if (!known && (await this.change({ type: "make", ...claim, id }, signal)).get(kind, name)?.id === id) continue;
			else await sleep(clock, RETRY_MS, signal);
		}
	}

	/** Deletes it by `demolish`; false if there was none. */
	async drop(kind: Kind, name: string, demolish: (item: CatalogueItem) => Promise<void>, signal?: AbortSignal): Promise<boolean> {
		const known = (await this.sync()).get(kind, name);
		if (!known) return false;
		await this.change({ type: "dropping", kind, name, id: known.id }, signal);
		await this.#demolish(known, demolish, signal);
		return true;
	}

	async #demolish(item: CatalogueItem, demolish: (item: CatalogueItem) => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
		await demolish(item);
		await this.change({ type: "drop", kind: item.kind, name: item.name, id: item.id }, signal);
	}

	/** What the catalogue says at a moment after this call. Calls at the same time share one look. */
	async sync(): Promise<CatalogueState> {
		if (!this.#syncing) return await this.#startSync();
		this.#syncAfter ??= this.#syncing
			.catch(() => {})
			.then(() => {
				this.#syncAfter = undefined;
				return this.#startSync();
			});
		return await this.#syncAfter;
	}

	/** Appends a change and gives the state as of a moment after it. */
	async change(change: CatalogueChange, signal?: AbortSignal): Promise<CatalogueState> {
		const { entries, random } = this.#context;
		const nonce = random.hex(8);
		const reading = await this.#read();
		reading.nonces.add(nonce);
		await this.#append(encodeEntry({ ...change, nonce }), signal);
		const state = await this.#await(reading, () => !reading.nonces.has(nonce), signal);
		if (reading.bytesSinceSnapshot > SNAPSHOT_BYTES + 4 * reading.snapshotBytes) {
			const snapshot = encodeEntry({ ...state.snapshot(reading.next - 1n), nonce: random.hex(8) });
			reading.bytesSinceSnapshot = 0;
			// The next change tries again.
			entries.append(CATALOGUE, snapshot).catch(() => {});
		}
		return state;
	}

	close(): void {
		this.#reading?.subscription.current?.end();
		this.#bell.ring();
	}

	/** Repeated while it may help: an entry that is there twice says nothing new. */
	async #append(entry: Buffer, signal: AbortSignal | undefined): Promise<void> {
		const { entries, probe, settings, clock } = this.#context;
		for (const until = clock.now() + PATIENCE_MS; ;) {
			try {
				return await entries.append(CATALOGUE, entry, signal ? { signal } : {});
			} catch (error) {
				const { code } = classify(error);
				const returned = error instanceof EntryReturned;
				// A broker short of memory ends a connection's use with each entry; the next one has a new connection.
				if (clock.now() >= until || !(returned || code === "BACKPRESSURE" || code === "CONNECTION_LOST")) throw error;
				if (returned) await declareStream(probe, CATALOGUE, shortStreamArguments(settings), signal);
				await sleep(clock, 2 * RETRY_MS, signal);
			}
		}
	}

	#startSync(): Promise<CatalogueState> {
		const syncing = this.#sync().finally(() => {
			if (this.#syncing === syncing) this.#syncing = undefined;
		});
		this.#syncing = syncing;
		return syncing;
	}

	async #sync(): Promise<CatalogueState> {
		const fresh = this.#reading === undefined || this.#reading.ended;
		const reading = await this.#read();
		// A new reading has just been given all there is.
		if (fresh && !reading.unplaced) return reading.state;
		const end = await this.#context.probe.end(CATALOGUE);
		return await this.#await(reading, () => reading.next >= end && !reading.unplaced);
	}

	async #await(reading: Reading, done: () => boolean, signal?: AbortSignal): Promise<CatalogueState> {
		const { clock, settings } = this.#context;
		const until = clock.now() + settings.setupTimeoutMs;
		while (!done()) {
			if (reading.ended)
				throw new PolylogError("CONNECTION_LOST", "the connection broke while the catalogue of topics and groups was read");
			if (clock.now() >= until) {
				if (reading.unplaced)
					throw new PolylogError("UNAVAILABLE", `the catalogue of topics and groups (the stream ${CATALOGUE}) has lost its beginning`);
				const connection = reading.subscription.current?.connection;
				if (connection) this.#context.pool.link.leave(connection, new PolylogError("TIMEOUT", "the catalogue was not delivered in time"));
				throw new PolylogError("TIMEOUT", "the catalogue of topics and groups was not delivered in time");
			}
			await this.#bell.wait(clock, WAIT_MS, signal);
			signal?.throwIfAborted();
		}
		return reading.state;
	}

	async #read(): Promise<Reading> {
		if (this.#reading && !this.#reading.ended) return this.#reading;
		this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
		return await this.#starting;
	}

	async #start(): Promise<Reading> {
		const { clock, probe, settings } = this.#context;
		let declared = false;
		for (const until = clock.now() + FIRST_MS; ;) {
			try {
				return await this.#subscribe();
			} catch (error) {
				if (isMissing(error)) {
					await declareStream(probe, CATALOGUE, shortStreamArguments(settings));
					declared = true;
				} else if (!this.#mayPass(error, declared) || clock.now() >= until) throw error;
				else await sleep(clock, 2 * RETRY_MS);
			}
		}
	}

	/** A stream that is just being made refuses its consumers, or (RabbitMQ 3.10) ends their connection. */
	#mayPass(error: unknown, declared: boolean): boolean {
		const { code } = classify(error);
		return code === "UNAVAILABLE" || (code === "CONNECTION_LOST" && (declared || isInternalError(error)));
	}

	async #subscribe(): Promise<Reading> {
		const reading = new Reading();
		const onMessage: Parameters<ConsumerPool["consume"]>[0]["onMessage"] = (message) => {
			take(reading, offsetOf(message), entryBytes(message));
			reading.subscription.current?.release(1);
			this.#bell.ring();
		};
		const onEnd = () => {
			reading.ended = true;
			this.#bell.ring();
		};
		const subscription = await this.#context.pool.consume({
			queue: CATALOGUE,
			from: "first",
			prefetch: PREFETCH,
			alone: true,
			onMessage,
			onEnd,
		});
		reading.subscription.current = subscription;
		subscription.release(Number.POSITIVE_INFINITY);
		this.#reading = reading;
		// More than the first handful may have been there.
		const end = await this.#context.probe.end(CATALOGUE);
		await this.#await(reading, () => reading.next >= end);
		return reading;
	}
}

/** 541, by which the whole connection ended. */
function isInternalError(error: unknown): boolean {
	return error instanceof Error && (("code" in error && error.code === 541) || isInternalError(error.cause));
}

function take(reading: Reading, offset: bigint, bytes: Buffer): void {
	if (reading.next === 0n && offset > 0n) reading.unplaced = [];
	reading.next = offset + 1n;
	reading.bytesSinceSnapshot += bytes.length;
	const entry = decodeEntry(bytes);
	if (!entry) return;
	reading.nonces.delete(entry.nonce);
	reading.unplaced?.push({ offset, change: entry });
	if (entry.type !== "snapshot") return reading.state.apply(entry);
	reading.bytesSinceSnapshot = 0;
	reading.snapshotBytes = bytes.length;
	const { unplaced } = reading;
	const asOf = BigInt(entry.asOf);
	// Of use only if nothing after it was missed.
	if (!unplaced?.[0] || unplaced[0].offset > asOf + 1n) return;
	reading.state = new CatalogueState(entry.items);
	for (const { offset: at, change } of unplaced) if (at > asOf) reading.state.apply(change);
	reading.unplaced = undefined;
}
