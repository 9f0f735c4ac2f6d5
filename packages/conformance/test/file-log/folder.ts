// What the driver's parts share: where things lie, whether the driver is open, and waiting for a file to grow.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type DriverContext, type Partition, sleep } from "@polylog/core/driver";
import { sizeOf } from "./line-file.ts";

export class Folder {
	readonly topics: string;
	readonly journals: string;
	readonly #context: DriverContext;
	readonly #closed = new AbortController();
	#waiting = 0;

	constructor(root: string, context: DriverContext) {
		this.topics = join(root, "topics");
		this.journals = join(root, "journals");
		this.#context = context;
		for (const folder of [this.topics, this.journals]) mkdirSync(folder, { recursive: true });
	}

	partition({ topic, index }: Partition): string {
		return join(this.topics, topic, `${index}.log`);
	}

	/** A name that nobody else uses. */
	unique(): string {
		return this.#context.random.hex(8);
	}

	close(): void {
		this.#closed.abort(new Error("the driver was closed"));
	}

	/** A later turn of the event loop, as with any real log; throws once the driver is closed. */
	async turn(): Promise<void> {
		this.#closed.signal.throwIfAborted();
		await this.#context.clock.yield();
		this.#closed.signal.throwIfAborted();
	}

	/** Resolves when the file is larger than `size`, or after `waitMs`. */
	async grown(path: string, size: number, waitMs: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
		const { clock } = this.#context;
		const end = clock.now() + waitMs;
		const signal = AbortSignal.any([this.#closed.signal, ...signals.filter((one) => one !== undefined)]);
		this.#waiting++;
		try {
			// Those who wait share the effort: a thousand of them look ten times a second each.
			while (sizeOf(path) <= size && clock.now() < end) await sleep(clock, 5 + this.#waiting / 10, signal);
		} finally {
			this.#waiting--;
		}
	}
}
