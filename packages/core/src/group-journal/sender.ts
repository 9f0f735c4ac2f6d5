// Appends the entry under way, again and again until it is read back.
import type { Clock } from "../clock.ts";
import type { JournalLog } from "../driver/journal-log.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Outgoing } from "./outbox.ts";
import { proveHeld } from "./proof.ts";
import type { ReadLoop } from "./read-loop.ts";

export interface SenderEvents {
	/** What the member relies on is not on the new connection. */
	notIntact(): void;
	failed(error: unknown): void;
	/** Something was answered: see what is due. */
	answered(): void;
}

export class Sender {
	readonly #log: JournalLog;
	readonly #reader: ReadLoop;
	readonly #clock: Clock;
	readonly #events: SenderEvents;
	/** Attempts without an answer. An entry may be read back before its append is answered, and the next one sent. */
	readonly #attempts = new Map<AbortController, Outgoing>();
	#last: Promise<void> = Promise.resolve();

	constructor(log: JournalLog, reader: ReadLoop, clock: Clock, events: SenderEvents) {
		this.#log = log;
		this.#reader = reader;
		this.#clock = clock;
		this.#events = events;
	}

	/** Resolves when the latest attempt was answered or given up. */
	get settled(): Promise<void> {
		return this.#last;
	}

	/** Appends the entry under way; an earlier attempt with the same one is given up. */
	send(incarnation: Incarnation): void {
		const outgoing = incarnation.outbox.current;
		if (!outgoing) return;
		for (const [attempt, other] of this.#attempts) if (other === outgoing) attempt.abort();
		const attempt = new AbortController();
		this.#attempts.set(attempt, outgoing);
		this.#last = this.#send(incarnation, outgoing, attempt.signal).finally(() => this.#attempts.delete(attempt));
	}

	/** Gives up on all answers; the entries may still appear. */
	stop(): void {
		for (const attempt of this.#attempts.keys()) attempt.abort();
	}

	async #send(incarnation: Incarnation, outgoing: Outgoing, signal: AbortSignal): Promise<void> {
		incarnation.outbox.trying(this.#clock.now());
		try {
			const connection = this.#log.connection;
			const intact = await proveHeld(this.#log, incarnation, outgoing, connection, () => this.#reader.proveCursor(signal), signal);
			if (signal.aborted) return;
			if (!intact) return this.#events.notIntact();
			const { durable } = await this.#log.append(outgoing.bytes, connection, signal);
			if (!signal.aborted) incarnation.stored(outgoing, durable, this.#clock.now());
		} catch (error) {
			if (signal.aborted) return;
			incarnation.outbox.failed(outgoing, this.#clock.now());
			this.#events.failed(error);
		}
		this.#events.answered();
	}
}
