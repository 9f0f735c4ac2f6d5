// One message between `send` and its receipt.
import type { Receipt } from "../api/producer.ts";
import type { OutgoingRecord } from "../driver/record.ts";
import type { PolylogError } from "../errors.ts";
import type { Stage } from "./flush-barrier.ts";
import type { PartitionQueue } from "./partition-queue.ts";

export interface ReceiptSink {
	/** Called once for each message. */
	settled(index: number, receipt: Receipt): void;
}

const NOT_ENCODED: OutgoingRecord = Object.freeze({ key: undefined, value: null, headers: [], timestamp: 0 });

export class Pending {
	/** On the clock's `now`. */
	readonly deadline: number;
	record: OutgoingRecord = NOT_ENCODED;
	bytes = 0;
	/** The partition asked for. */
	partition: number | undefined;
	/** It holds a record: encoding may be asynchronous. */
	encoded = false;
	/** Its bytes count against the buffer. Set and cleared by the producer. */
	admitted = false;
	/** Set when the partition is chosen. */
	queue: PartitionQueue | undefined;
	/** Set when it is first handed to the driver; never changes, never used again for another message. */
	sequence = -1;
	/** An append of it ended `unknown`: from then on it can never be called `failed`. */
	maybeStored = false;
	#settled = false;
	readonly #sink: ReceiptSink;
	readonly #index: number;
	readonly #stage: Stage;

	constructor(sink: ReceiptSink, index: number, stage: Stage, deadline: number) {
		this.#sink = sink;
		this.#index = index;
		this.#stage = stage;
		this.deadline = deadline;
		stage.enter();
	}

	get settled(): boolean {
		return this.#settled;
	}

	/** A flush waits for it: it does not linger. */
	get urgent(): boolean {
		return this.#stage.awaited;
	}

	/** The first receipt counts; later ones are ignored. */
	settle(receipt: Receipt): void {
		if (this.#settled) return;
		this.#settled = true;
		this.#sink.settled(this.#index, receipt);
		this.#stage.leave();
	}

	fail(error: PolylogError): void {
		this.settle({ status: "failed", error });
	}
}
