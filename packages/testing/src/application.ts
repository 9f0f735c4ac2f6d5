// One run of the application under test: its members, one producer, and its invariant as the watcher.
import { type Context, type Member, type Message, type Partition, partitionKey, type Topic } from "@polylog/core";
import { remote } from "./services.ts";
import type { SimulateOptions } from "./simulate.ts";
import { liveAsMember, type MemberCall, type Plan, type Programs, type Running, World } from "./world/index.ts";

export interface Outcome {
	readonly error: unknown;
	readonly trace: readonly string[];
	readonly handled: number;
	readonly repeated: number;
}

const GROUP = "simulated";
const LOOK_MS = 50;

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
			member: (running, call) => this.#member(running, call),
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

	async #member(running: Running, call: MemberCall): Promise<void> {
		const { sessionTimeoutMs } = call;
		const group = running.broker.consumerGroup(GROUP, { topics: [this.#topic], from: "earliest", sessionTimeoutMs });
		await liveAsMember(running, group, call, async (member) => {
			this.#listen(running, member);
			await this.#take(running, member);
		});
	}

	#listen(running: Running, member: Member<T>): void {
		const note = (what: string, partitions: readonly Partition[]) =>
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
	}

	async #take(running: Running, member: Member<T>): Promise<void> {
		const { order = "partition", concurrency, retry, onFailure } = this.#options;
		const services = remote(this.#services, running, this.#world.broker, {
			note: (text) => this.#world.note(text),
			called: () => this.#check(false),
		});
		const handle = async (message: Message<T>, { signal }: Context) => {
			const name = `${partitionKey(message.partition)}@${message.offset}`;
			this.#begin(running, name, message);
			const stalledMs = running.machine.stalledUntil - this.#world.time.now;
			if (stalledMs > 0) await running.pause(stalledMs);
			await this.#options.handler(message, services, { signal, pause: (ms) => running.pause(ms) });
			this.#world.note(`${running.name} is done with ${name}`);
		};
		await member.run(handle, {
			order,
			...(concurrency === undefined ? {} : { concurrency }),
			...(retry === undefined ? {} : { retry }),
			...(onFailure === undefined ? {} : { onFailure }),
		});
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
