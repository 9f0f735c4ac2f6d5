// What stands in the intake's line: one message, or a list of messages that is taken bit by bit as there is room.
import type { OutgoingMessage, SendOptions } from "../api/producer.ts";
import type { PolylogError } from "../errors.ts";
import type { Stage } from "./flush-barrier.ts";
import type { Entrant } from "./intake.ts";
import type { Pending } from "./pending.ts";
import type { BatchSink } from "./receipts.ts";

/** The producer, as its entrants see it. */
export interface Gate<T> {
	/** Takes the message into the buffer; false: there is no room now. */
	admit(entry: Pending): boolean;
	/** Encodes it, or fails it. A promise only if the schema is asynchronous. */
	encode(entry: Pending, value: T, options: Omit<SendOptions, "signal">): Promise<void> | undefined;
	entry(sink: BatchSink, index: number, stage: Stage): Pending;
	/** The line may move again. */
	retry(): void;
	/** Resolves in a later turn of the event loop. */
	turn(): Promise<void>;
}

export class SendEntrant<T> implements Entrant {
	readonly #entry: Pending;
	readonly #gate: Gate<T>;

	constructor(entry: Pending, gate: Gate<T>) {
		this.#entry = entry;
		this.#gate = gate;
	}

	get deadline(): number {
		return this.#entry.deadline;
	}

	enter(): boolean {
		if (this.#entry.settled) return true;
		return this.#entry.encoded && this.#gate.admit(this.#entry);
	}

	expire(error: PolylogError): void {
		this.#entry.fail(error);
	}
}

/** Messages let in before the event loop gets its turn: a long list must not hold up heartbeats. */
const SLICE = 1024;

export class BatchEntrant<T> implements Entrant {
	readonly #gate: Gate<T>;
	readonly #source: Iterable<OutgoingMessage<T>>;
	readonly #messages: Iterator<OutgoingMessage<T>>;
	readonly #sink: BatchSink;
	readonly #stage: Stage;
	readonly #entries: Pending[] | undefined;
	readonly #threw: (error: unknown) => void;
	/** Taken from the list, and waiting for its encoder or for room. */
	#held: Pending | undefined;
	#deadline: number;
	#taken = 0;
	#resting = false;
	#ended = false;

	constructor(
		source: Iterable<OutgoingMessage<T>>,
		sink: BatchSink,
		stage: Stage,
		gate: Gate<T>,
		options: { readonly track: boolean; readonly threw: (error: unknown) => void; readonly deadline: number },
	) {
		this.#gate = gate;
		this.#source = source;
		this.#messages = source[Symbol.iterator]();
		this.#sink = sink;
		this.#stage = stage;
		this.#entries = options.track ? [] : undefined;
		this.#threw = options.threw;
		this.#deadline = options.deadline;
		stage.enter();
	}

	/** Moves on with each message that was let in. */
	get deadline(): number {
		return this.#deadline;
	}

	/** Those taken so far, if it was asked to keep them. */
	get entries(): readonly Pending[] {
		return this.#entries ?? [];
	}

	enter(): boolean {
		for (let slice = 0; !this.#ended && !this.#resting; slice++) {
			const held = this.#held;
			if (held && !held.settled && !(held.encoded && this.#gate.admit(held))) return false;
			this.#held = undefined;
			if (slice === SLICE) this.#rest();
			else this.#take();
		}
		return this.#ended;
	}

	/** The message in hand fails, and so does the rest of an array; of another iterable the rest is not taken. */
	expire(error: PolylogError): void {
		if (this.#ended) return;
		// An empty list of receipts would look like success.
		if (this.#taken === 0) this.#take();
		if (this.#ended) return;
		this.#held?.fail(error);
		this.#held = undefined;
		if (Array.isArray(this.#source)) {
			for (; this.#taken < this.#source.length; this.#taken++) this.#sink.settled(this.#taken, { status: "failed", error });
		}
		this.#end();
		this.#messages.return?.();
	}

	#take(): void {
		try {
			const next = this.#messages.next();
			if (next.done) return this.#end();
			const entry = this.#gate.entry(this.#sink, this.#taken++, this.#stage);
			this.#entries?.push(entry);
			this.#held = entry;
			this.#deadline = entry.deadline;
			const encoding = this.#gate.encode(entry, next.value.value, next.value);
			void encoding?.then(() => this.#gate.retry());
		} catch (error) {
			this.#threw(error);
			this.#end();
		}
	}

	#rest(): void {
		this.#resting = true;
		void this.#gate.turn().then(() => {
			this.#resting = false;
			this.#gate.retry();
		});
	}

	#end(): void {
		this.#ended = true;
		this.#sink.close(this.#taken);
		this.#stage.leave();
	}
}
