// One run of the application under test: its members, one producer, and its invariant as the watcher.
import { isPolylogError, type Message, partitionKey, type Topic } from "@polylog/core";
import { remote } from "./services.ts";
import type { SimulateOptions } from "./simulate.ts";
import { type Plan, type Programs, type Running, World } from "./world/index.ts";

export interface Outcome {
	readonly error: unknown;
	readonly trace: readonly string[];
	readonly handled: number;
	readonly repeated: number;
}

const GROUP = "simulated";
const LOOK_MS = 50;
const RETRY_MS = 200;

export class Application<T, S extends object> {
	readonly #options: SimulateOptions<T, S>;
	readonly #plan: Plan;
	readonly #services: S;
	readonly #world: World;
	/** The definition without its partitions: the topic exists before anybody starts. */
	readonly #topic: Topic<T>;
	readonly #committed = new Map<string, bigint>();
	readonly #begun = new Set<string>();
	readonly #stored: T[] = [];
	#producing = true;
	#handled = 0;
	#repeated = 0;
	#lookAt = 0;
	#error: unknown;

	constructor(plan: Plan, options: SimulateOptions<T, S>) {
		this.#options = options;
		this.#plan = plan;
		this.#topic = options.topic;
		this.#services = options.services();
		const programs: Programs = {
			member: (running, sessionTimeoutMs, instanceId, closeWithinMs) => this.#member(running, sessionTimeoutMs, instanceId, closeWithinMs),
			producer: (running) => this.#producer(running),
			reset: () => Promise.resolve(),
			done: () => this.#isDone(),
		};
		const watcher = { failed: (_: string, error: unknown) => this.#fail(error) };
		this.#world = new World(plan, programs, watcher, { topic: options.topic.name, group: GROUP });
	}

	async run(): Promise<Outcome> {
		const world = this.#world;
		const onUnhandled = (reason: unknown) => this.#fail(reason);
		process.on("unhandledRejection", onUnhandled);
		try {
			await world.run();
		} finally {
			process.off("unhandledRejection", onUnhandled);
		}
		if (world.late) this.#fail(new Error("not everything was processed within a minute after the last fault"));
		if (this.#error === undefined) this.#check(true);
		return { error: this.#error, trace: world.trace, handled: this.#handled, repeated: this.#repeated };
	}

	async #member(running: Running, sessionTimeoutMs: number, instanceId: string | undefined, closeWithinMs: () => number): Promise<void> {
		const { order = "partition", concurrency, retry, onFailure } = this.#options;
		const group = running.broker.consumerGroup(GROUP, { topics: [this.#topic], from: "earliest", sessionTimeoutMs });
		const member = await insist(running, () => group.join(instanceId === undefined ? {} : { instanceId }));
		if (!member) return;
		const note = (what: string, partitions: readonly { readonly topic: string; readonly index: number }[]) =>
			this.#world.note(`${running.name} ${what} ${partitions.map(partitionKey).join(" ")}`);
		member.on("assigned", (partitions) => note("is given", partitions));
		member.on("revoked", (partitions) => note("gave up", partitions));
		member.on("lost", (partitions) => note("lost", partitions));
		member.on("committed", (offsets) => {
			for (const [partition, offset] of offsets) {
				this.#world.note(`${running.name} committed ${partitionKey(partition)} to ${offset}`);
				this.#committed.set(partitionKey(partition), offset);
			}
		});
		member.on("error", (error) => this.#world.note(`${running.name}: ${error.message}`));
		member.on("stuck", (_, error) => this.#fail(error));
		const closing = new Promise<void>((resolve) => {
			running.signal.addEventListener("abort", () => resolve(), { once: true });
			if (running.signal.aborted) resolve();
		});
		const closed = closing.then(() => member.close({ deadlineMs: closeWithinMs() }));
		const services = remote(this.#services, running, this.#world.broker, {
			note: (text) => this.#world.note(text),
			called: () => this.#check(false),
		});
		await member.run(
			async (message, context) => {
				const name = `${partitionKey(message.partition)}@${message.offset}`;
				this.#begin(running, name, message);
				const stalledMs = running.machine.stalledUntil - this.#world.time.now;
				if (stalledMs > 0) await running.pause(stalledMs);
				await this.#options.handler(message, services, { ...context, signal: context.signal, pause: (ms) => running.pause(ms) });
				this.#world.note(`${running.name} is done with ${name}`);
			},
			{
				order,
				...(concurrency === undefined ? {} : { concurrency }),
				...(retry === undefined ? {} : { retry }),
				...(onFailure === undefined ? {} : { onFailure }),
			},
		);
		await closed;
	}

	#begin(running: Running, name: string, message: Message<T>): void {
		this.#handled++;
		const again = this.#begun.has(name);
		if (again) this.#repeated++;
		this.#begun.add(name);
		const attempt = message.attempt > 1 ? `, attempt ${message.attempt}` : "";
		this.#world.note(`${running.name} handles ${name}${attempt}${again && attempt === "" ? " AGAIN" : ""}`);
	}

	async #producer(running: Running): Promise<void> {
		const producer = running.broker.producer(this.#topic);
		const { random } = running.process;
		const messages = this.#options.messages.slice(0, this.#plan.messages);
		const everyMs = (this.#plan.healMs / messages.length) * 1.5;
		const sent: Promise<unknown>[] = [];
		for (const { value, key } of messages) {
			const receipts = producer.sendBatch([key === undefined ? { value } : { value, key }]);
			sent.push(receipts.then(([receipt]) => void (receipt?.status === "ok" && this.#stored.push(value))));
			if (random.chance(0.7)) await running.pause(random.between(0, everyMs));
		}
		await Promise.all(sent);
		this.#producing = false;
	}

	#isDone(): boolean {
		const { time, broker } = this.#world;
		if (this.#producing || time.now < this.#lookAt) return false;
		this.#lookAt = time.now + LOOK_MS;
		return this.#world
			.partitions()
			.every((partition) => (this.#committed.get(partitionKey(partition)) ?? 0n) >= broker.partition(partition).end);
	}

	#check(done: boolean): void {
		try {
			this.#options.invariant({ services: this.#services, stored: this.#stored, done });
		} catch (error) {
			this.#fail(error);
		}
	}

	#fail(error: unknown): void {
		if (this.#error !== undefined) return;
		this.#error = error ?? new Error("something was rejected with nothing");
		this.#world.note(`BROKEN: ${error instanceof Error ? error.message : String(error)}`);
		this.#world.stop();
	}
}

/** Tries again while the broker cannot be reached; gives up when asked to end. */
async function insist<R>(running: Running, attempt: () => Promise<R>): Promise<R | undefined> {
	while (!running.signal.aborted) {
		try {
			return await attempt();
		} catch (error) {
			if (!isPolylogError(error) || !error.retryable) throw error;
			await running.pause(RETRY_MS);
		}
	}
	return undefined;
}
