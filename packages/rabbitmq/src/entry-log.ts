// Appends entries to journals and to the catalogue, over a connection of their own.
import { type Clock, PolylogError, type Random, untilAborted } from "@polylog/core/driver";
import type { Connection } from "./connection.ts";
import { entryMessage, needsBody } from "./entry-mapping.ts";
import type { Link } from "./link.ts";
import type { Settings } from "./options.ts";
import { type Batch, PublishChannel } from "./publish-channel.ts";
import { within } from "./waiting.ts";

/** How long after a block an entry with a body is not even tried. */
const BLOCKED_MS = 3000;

/** Thrown by `append`: no queue took the entry. It was not stored. */
export class EntryReturned extends Error {
	override readonly name = "EntryReturned";
}

export class EntryLog {
	readonly #link: Link;
	readonly #clock: Clock;
	readonly #settings: Settings;
	readonly #ids: string;
	#sent = 0;
	#channel: Promise<PublishChannel> | undefined;
	#channelOf: Connection | undefined;

	constructor(link: Link, clock: Clock, random: Random, settings: Settings) {
		this.#link = link;
		this.#clock = clock;
		this.#settings = settings;
		this.#ids = random.hex(6);
	}

	get link(): Link {
		return this.#link;
	}

	/** Resolves when it is stored. With `generation`, only on that connection. */
	async append(
		queue: string,
		entry: Uint8Array,
		options: { readonly generation?: number; readonly signal?: AbortSignal } = {},
	): Promise<void> {
		options.signal?.throwIfAborted();
		const connection = this.#link.require(options.generation);
		if (needsBody(entry) && this.#link.recentlyBlocked(BLOCKED_MS))
			throw new PolylogError("BACKPRESSURE", `${connection.host} takes no entry of ${entry.length} bytes for now`);
		const channel = await untilAborted(this.#channelOn(connection), options.signal);
		const batch = channel.publish(queue, [entryMessage(entry, `${this.#ids}:${this.#sent++}`)]);
		await untilAborted(this.#confirmed(connection, batch), options.signal);
		if (batch.fates[0] === "stored") return;
		throw new EntryReturned(`${connection.host} knows no queue '${queue}'`);
	}

	async #confirmed(connection: Connection, batch: Batch): Promise<void> {
		try {
			await within(this.#clock, this.#settings.confirmTimeoutMs, `an append to a journal on ${connection.host}`, batch.settled);
		} catch (error) {
			if (error instanceof PolylogError && error.code === "TIMEOUT") this.#link.leave(connection, error);
			throw error;
		}
	}

	async #channelOn(connection: Connection): Promise<PublishChannel> {
		const known = this.#channelOf === connection ? await this.#channel : undefined;
		if (known && !known.closed) return known;
		this.#channelOf = connection;
		const opening = PublishChannel.open(connection, this.#clock, this.#settings.setupTimeoutMs);
		this.#channel = opening;
		opening.catch(() => {
			if (this.#channel === opening) this.#channelOf = undefined;
		});
		return await opening;
	}
}
