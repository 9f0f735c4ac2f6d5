// Where receipts go: the promise of one `send`, or the list of one `sendBatch`.
import type { Receipt, StoredReceipt } from "../api/producer.ts";
import type { ReceiptSink } from "./pending.ts";

export class SendSink implements ReceiptSink {
	/** Takes the listener off the caller's signal. */
	undo: (() => void) | undefined;
	readonly #resolve: (receipt: StoredReceipt) => void;
	readonly #reject: (error: unknown) => void;

	constructor(resolve: (receipt: StoredReceipt) => void, reject: (error: unknown) => void) {
		this.#resolve = resolve;
		this.#reject = reject;
	}

	settled(_index: number, receipt: Receipt): void {
		this.undo?.();
		if (receipt.status === "ok") this.#resolve(receipt);
		else this.#reject(receipt.error);
	}
}

export class BatchSink implements ReceiptSink {
	readonly #receipts: Receipt[] = [];
	readonly #done: (receipts: Receipt[]) => void;
	#expected: number | undefined;
	#count = 0;

	constructor(done: (receipts: Receipt[]) => void) {
		this.#done = done;
	}

	settled(index: number, receipt: Receipt): void {
		this.#receipts[index] = receipt;
		this.#count++;
		this.#check();
	}

	/** There are so many messages and no more. */
	close(expected: number): void {
		this.#expected = expected;
		this.#check();
	}

	#check(): void {
		if (this.#count === this.#expected) this.#done(this.#receipts);
	}
}
