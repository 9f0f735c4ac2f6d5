// A producer that sends at a steady rate, and tells of each receipt.
import { type Broker, partitionKey, type Producer, topic } from "@polylog/core";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "./member.ts";
import type { Play, Tell } from "./play.ts";
import type { Command, Item, ProducerTask } from "./task.ts";

const TICK_MS = 25;
const KEYS = 23;

export function playProducer(broker: Broker, task: ProducerTask, tell: Tell): Play {
	const sender = new Sender(task, tell, broker);
	tell({ kind: "note", member: task.name, what: "joined" });
	return { done: sender.run(), take: (command) => sender.take(command) };
}

class Sender {
	readonly #task: ProducerTask;
	readonly #tell: Tell;
	readonly #producer: Producer<Item>;
	readonly #pending = new Set<Promise<void>>();
	readonly #pad: string;
	#on = true;
	#sent = 0;

	constructor(task: ProducerTask, tell: Tell, broker: Broker) {
		this.#task = task;
		this.#tell = tell;
		this.#pad = "x".repeat(task.padBytes ?? 0);
		const { deliveryTimeoutMs = 60_000, maxBufferedBytes, onFull } = task;
		this.#producer = broker.producer(topic<Item>(task.topic), {
			deliveryTimeoutMs,
			...(maxBufferedBytes === undefined ? {} : { maxBufferedBytes }),
			...(onFull === undefined ? {} : { onFull }),
		});
	}

	async run(): Promise<void> {
		const { rate = 100, count = Number.POSITIVE_INFINITY } = this.#task;
		const perTick = Math.max(1, Math.round((rate * TICK_MS) / 1000));
		while (this.#on && this.#sent < count) {
			for (let i = 0; i < perTick && this.#sent < count; i++) this.#send();
			await delay(TICK_MS);
		}
		await Promise.all(this.#pending);
		this.#tell({ kind: "note", member: this.#task.name, what: "stopped", detail: String(this.#sent) });
	}

	async take(command: Command): Promise<void> {
		if (command.do === "stop") this.#on = false;
	}

	#send(): void {
		const n = this.#sent++;
		const { name, partition } = this.#task;
		const id = `${name}-${n}`;
		const value: Item = this.#pad === "" ? { id } : { id, pad: this.#pad };
		const where = partition === undefined ? { key: `k${n % KEYS}` } : { partition };
		const sending = this.#producer.sendBatch([{ value, ...where }]).then(
			([receipt]) => {
				if (!receipt) throw new Error("a message without a receipt");
				const told = { kind: "sent", producer: name, id, order: n, status: receipt.status } as const;
				if (receipt.status !== "ok") {
					this.#tell(told);
					return this.#tell({ kind: "note", member: name, what: "not-sent", detail: `${receipt.status} ${codeOf(receipt.error)}` });
				}
				const offset = receipt.offset === undefined ? {} : { offset: receipt.offset };
				this.#tell({ ...told, partition: partitionKey(receipt.partition), ...offset });
			},
			(error: unknown) => {
				// Of a closed producer: nothing was sent.
				this.#tell({ kind: "sent", producer: name, id, order: n, status: "failed" });
				this.#tell({ kind: "note", member: name, what: "not-sent", detail: `failed ${codeOf(error)}` });
			},
		);
		this.#pending.add(sending);
		void sending.finally(() => this.#pending.delete(sending));
	}
}
