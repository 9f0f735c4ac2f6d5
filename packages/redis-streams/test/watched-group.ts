// Members of one group, each with a connection of its own, and a record of all that they were given and told.
import { type Broker, connect, type Member, type PolylogError, silentLog, type Topic } from "@polylog/core";
import { adapter, type RedisStreamsOptions } from "../src/index.ts";

export interface Dispatch {
	/** ms, of this process' clock. */
	readonly at: number;
	readonly member: string;
	readonly partition: number;
	readonly offset: bigint;
	readonly value: number;
	readonly fence: bigint;
}

export interface WatchedOptions {
	readonly url: string;
	readonly topic: Topic<number>;
	readonly sessionMs: number;
	readonly handlerMs?: number;
	readonly options?: RedisStreamsOptions;
}

export function connectTo(url: string, options: RedisStreamsOptions = {}, clientId = "test"): Promise<Broker> {
	const adapters = { redis: adapter, "redis+cluster": adapter, "redis+sentinel": adapter };
	return connect({ url, adapters, log: silentLog, clientId, "redis-streams": { ...options } });
}

export class WatchedGroup implements AsyncDisposable {
	readonly name: string;
	readonly dispatches: Dispatch[] = [];
	readonly lost: { readonly member: string; readonly partition: number; readonly reason: string }[] = [];
	readonly stuck: { readonly member: string; readonly partition: number; readonly error: PolylogError }[] = [];
	readonly #options: WatchedOptions;
	readonly #brokers: Broker[] = [];
	readonly #members: Member<number>[] = [];
	readonly #runs: Promise<void>[] = [];

	constructor(name: string, options: WatchedOptions) {
		this.name = name;
		this.#options = options;
	}

	/** A member called `who`, as its connections are. */
	async join(who: string): Promise<Member<number>> {
		const { url, options, handlerMs = 0 } = this.#options;
		const broker = await connectTo(url, options, who);
		this.#brokers.push(broker);
		const member = await this.on(broker).join();
		this.#members.push(member);
		member.on("lost", (partitions, reason) =>
			this.lost.push(...partitions.map(({ index }) => ({ member: who, partition: index, reason }))),
		);
		member.on("stuck", (partition, error) => this.stuck.push({ member: who, partition: partition.index, error }));
		const run = member.run(
			async ({ partition, offset, value, fence }) => {
				this.dispatches.push({ at: performance.now(), member: who, partition: partition.index, offset, value, fence });
				if (handlerMs > 0) await new Promise((resolve) => setTimeout(resolve, handlerMs));
			},
			{ commitIntervalMs: 100 },
		);
		// Awaited when all is over.
		run.catch(() => undefined);
		this.#runs.push(run);
		return member;
	}

	/** The group, seen through `broker`. */
	on(broker: Broker) {
		const { topic, sessionMs } = this.#options;
		return broker.consumerGroup(this.name, { topics: [topic], from: "earliest", sessionTimeoutMs: sessionMs });
	}

	async lag(): Promise<bigint | undefined> {
		const [broker] = this.#brokers;
		return (
			broker &&
			(await this.on(broker)
				.lag()
				.then(
					({ total }) => total,
					() => undefined,
				))
		);
	}

	/** Dispatches of a record under a fence older than one that was seen before, and two members under one fence. */
	violations(): string[] {
		const found: string[] = [];
		const newest = new Map<number, Dispatch>();
		for (const dispatch of this.dispatches) {
			const before = newest.get(dispatch.partition);
			const describe = () => `${dispatch.member} after ${before?.member}: partition ${dispatch.partition} offset ${dispatch.offset}`;
			if (before && dispatch.fence < before.fence) found.push(`older fence, ${describe()}`);
			else if (before && dispatch.fence === before.fence && dispatch.member !== before.member) found.push(`same fence, ${describe()}`);
			if (!before || dispatch.fence > before.fence) newest.set(dispatch.partition, dispatch);
		}
		return found;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.#members.map((member) => member.close({ deadlineMs: 3000 })));
		await Promise.allSettled(this.#runs);
		await Promise.all(this.#brokers.map((broker) => broker.close({ deadlineMs: 1000 })));
	}
}

/** All that is in the topic: `partition/offset` → value. */
export async function contentsOf(broker: Broker, topic: Topic<number>): Promise<Map<string, number>> {
	const contents = new Map<string, number>();
	const { partitions } = await broker.topics.describe(topic);
	for (const { index } of partitions) {
		for await (const { offset, value } of broker.read(topic, { partition: index, from: "earliest", to: "latest" }))
			contents.set(`${index}/${offset}`, value);
	}
	return contents;
}

/** Records of the topic that no handler was given as they are there now. */
export function neverHandled(contents: ReadonlyMap<string, number>, dispatches: readonly Dispatch[]): string[] {
	const handled = new Set(dispatches.map(({ partition, offset, value }) => `${partition}/${offset}=${value}`));
	return [...contents].map(([place, value]) => `${place}=${value}`).filter((record) => !handled.has(record));
}
