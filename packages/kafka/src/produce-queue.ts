// Gathers batches for the same broker into few requests: what comes in one turn of the event loop, and what comes while
// earlier requests are under way. A request has at most one batch for each partition.
import { ERROR, KafkaError } from "./wire/error-codes.ts";
import { type ProducedPartition, type ProducePartition, produceRequest } from "./wire/api/produce.ts";
import type { Network } from "./wire/network.ts";

const MAX_REQUESTS = 5;
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
/** How long a leader waits for its replicas: with none in reach it would be asked for the full time for an answer. */
const REPLICAS_MS = 5000;

interface Waiting {
	readonly batch: ProducePartition;
	readonly options: ProduceOptions;
	readonly answer: PromiseWithResolvers<ProducedPartition>;
}

export interface ProduceOptions {
	/** Called when the batch leaves: from then on it may be stored. */
	onSent(): void;
	/** Withdraws it, if it has not left. */
	readonly signal: AbortSignal | undefined;
}

export class ProduceQueue {
	readonly #network: Network;
	readonly #timeoutMs: number;
	readonly #lines = new Map<number, NodeLine>();

	constructor(network: Network, timeoutMs: number) {
		this.#network = network;
		this.#timeoutMs = timeoutMs;
	}

	async send(node: number, batch: ProducePartition, options: ProduceOptions): Promise<ProducedPartition> {
		let line = this.#lines.get(node);
		if (!line) this.#lines.set(node, (line = new NodeLine(node, this.#network, this.#timeoutMs)));
		const answer = Promise.withResolvers<ProducedPartition>();
		const onAbort = () => answer.reject(options.signal?.reason);
		options.signal?.addEventListener("abort", onAbort, { once: true });
		line.push({ batch, options, answer });
		try {
			return await answer.promise;
		} finally {
			options.signal?.removeEventListener("abort", onAbort);
		}
	}
}

class NodeLine {
	readonly #node: number;
	readonly #network: Network;
	readonly #timeoutMs: number;
	#waiting: Waiting[] = [];
	#requests = 0;
	#arranged = false;

	constructor(node: number, network: Network, timeoutMs: number) {
		this.#node = node;
		this.#network = network;
		this.#timeoutMs = timeoutMs;
	}

	push(waiting: Waiting): void {
		this.#waiting.push(waiting);
		this.#arrange();
	}

	#arrange(): void {
		if (this.#arranged || this.#requests >= MAX_REQUESTS) return;
		this.#arranged = true;
		queueMicrotask(() => {
			this.#arranged = false;
			while (this.#waiting.length > 0 && this.#requests < MAX_REQUESTS) void this.#request();
		});
	}

	async #request(): Promise<void> {
		const batches = this.#take();
		if (batches.length === 0) return;
		this.#requests++;
		try {
			await this.#network.connect(this.#node, "produce");
			const leaving = batches.filter(({ options }) => !options.signal?.aborted);
			for (const { options } of leaving) options.onSent();
			if (leaving.length > 0) await this.#exchange(leaving);
		} catch (error) {
			for (const { answer } of batches) answer.reject(error);
		} finally {
			this.#requests--;
			if (this.#waiting.length > 0) this.#arrange();
		}
	}

	async #exchange(batches: readonly Waiting[]): Promise<void> {
		const request = produceRequest(
			batches.map(({ batch }) => batch),
			Math.min(this.#timeoutMs, REPLICAS_MS),
		);
		const answers = await this.#network.send(this.#node, "produce", request, { timeoutMs: this.#timeoutMs + 1000 });
		const found = new Map(answers.map((answer) => [placeOf(answer), answer]));
		for (const { batch, answer } of batches) {
			const told = found.get(placeOf(batch));
			if (told) answer.resolve(told);
			else answer.reject(new KafkaError(ERROR.requestTimedOut, "appending: the broker left the partition out of its answer"));
		}
	}

	/** One batch for each partition, in their order; the others wait for the next request. */
	#take(): Waiting[] {
		const taken: Waiting[] = [];
		const left: Waiting[] = [];
		const places = new Set<string>();
		let bytes = 0;
		for (const waiting of this.#waiting) {
			if (waiting.options.signal?.aborted) continue;
			const place = placeOf(waiting.batch);
			const fits = taken.length === 0 || bytes + waiting.batch.batch.length <= MAX_REQUEST_BYTES;
			if (places.has(place) || !fits) {
				left.push(waiting);
				continue;
			}
			places.add(place);
			bytes += waiting.batch.batch.length;
			taken.push(waiting);
		}
		this.#waiting = left;
		return taken;
	}
}

function placeOf({ topic, index }: { readonly topic: string; readonly index: number }): string {
	return `${index}/${topic}`;
}
