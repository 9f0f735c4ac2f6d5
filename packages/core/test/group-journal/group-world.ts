// Members of one group on a simulated broker, and what happened to each.
import type { Assignor, Grant, GroupSession, JoinRequest } from "../../src/driver/group-session.ts";
import { createJournalCoordinator, type JournalCoordinator } from "../../src/group-journal/index.ts";
import { type JournalTiming } from "../../src/group-journal/timing.ts";
import { type Log, silentLog } from "../../src/log.ts";
import { type Partition, partitionKey } from "../../src/partition.ts";
import { stickyAssignor } from "../../src/consumer-group/assignors/sticky.ts";
import { SimulatedBroker } from "./simulated-store.ts";
import { Process, VirtualTime } from "./virtual-clock.ts";
import { SeededRandom } from "../../src/seeded-random.ts";

export interface WorldOptions {
	readonly seed?: number;
	readonly partitions?: number;
	readonly timing?: Partial<JournalTiming>;
}

export class GroupWorld {
	readonly time = new VirtualTime();
	readonly broker: SimulatedBroker;
	readonly counts = new Map<string, number>();
	readonly errors: string[] = [];
	readonly #options: WorldOptions;
	#seed: number;

	constructor(options: WorldOptions = {}) {
		this.#options = options;
		this.#seed = options.seed ?? 1;
		this.broker = new SimulatedBroker(new SeededRandom(this.#seed));
		this.counts.set("orders", options.partitions ?? 4);
	}

	coordinator(process = new Process(this.time)): JournalCoordinator {
		const log: Log = { ...silentLog, error: (message) => this.errors.push(message) };
		return createJournalCoordinator({
			journals: this.broker.store(process),
			topics: {
				describe: async (topic) => {
					const count = this.counts.get(topic);
					const describe = (index: number) => ({ topic, index, earliest: 0n, end: 0n });
					return count === undefined ? undefined : { topic, partitions: Array.from({ length: count }, (_, index) => describe(index)) };
				},
			},
			clock: process.clock,
			random: new SeededRandom((this.#seed = (this.#seed * 31 + 7) >>> 0)),
			log,
			timing: this.#options.timing ?? {},
		});
	}

	member(name: string, request: Partial<JoinRequest> = {}): TestMember {
		return new TestMember(this, name, request);
	}

	/** Joins and waits until taken in. */
	async join(name: string, request: Partial<JoinRequest> = {}): Promise<TestMember> {
		const member = this.member(name, request);
		await this.time.until(() => member.session !== undefined, 10_000, `${name} joining`);
		return member;
	}

	/** Lets time pass until the promise is settled. */
	async run<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
		let over = false;
		const settled = () => (over = true);
		promise.then(settled, settled);
		await this.time.until(() => over, limitMs, "promise");
		return promise;
	}

	/** Until every partition is owned, each by one of `members`, evenly. */
	settled(members: readonly TestMember[], limitMs = 20_000): Promise<number> {
		const partitions = this.counts.get("orders") ?? 0;
		const least = Math.floor(partitions / members.length);
		const fair = (member: TestMember) => member.usable.length >= least && member.usable.length <= Math.ceil(partitions / members.length);
		return this.time.until(
			() => members.reduce((sum, member) => sum + member.usable.length, 0) === partitions && members.every(fair),
			limitMs,
			`settling of ${members.map((member) => `${member.name}:${member.usable.length}`).join(" ")}`,
		);
	}
}

export class TestMember {
	readonly name: string;
	readonly process: Process;
	readonly held = new Map<string, Grant>();
	readonly events: string[] = [];
	readonly reasons: string[] = [];
	readonly fatal: unknown[] = [];
	session: GroupSession | undefined;
	failure: unknown;
	/** What `revoked` waits for. */
	drain: () => Promise<void> = () => Promise.resolve();

	constructor(world: GroupWorld, name: string, request: Partial<JoinRequest>) {
		this.name = name;
		this.process = new Process(world.time);
		const full: JoinRequest = {
			group: "billing",
			topics: ["orders"],
			instanceId: undefined,
			clientId: name,
			sessionTimeoutMs: 10_000,
			heartbeatMs: 3000,
			assignor: stickyAssignor,
			...request,
		};
		const note = (event: string, partitions: readonly Partition[]) =>
			this.events.push(`${event} ${partitions.map(partitionKey).join(" ")}`);
		world
			.coordinator(this.process)
			.join(full, {
				assigned: (grants) => {
					note(
						"assigned",
						grants.map(({ partition }) => partition),
					);
					for (const grant of grants) {
						if (this.held.has(partitionKey(grant.partition))) throw new Error(`assigned twice: ${partitionKey(grant.partition)}`);
						this.held.set(partitionKey(grant.partition), grant);
					}
				},
				revoked: async (partitions) => {
					note("revoked", partitions);
					await this.drain();
					for (const partition of partitions) this.held.delete(partitionKey(partition));
				},
				lost: (partitions, reason) => {
					note("lost", partitions);
					this.reasons.push(reason);
					for (const partition of partitions) this.held.delete(partitionKey(partition));
				},
				fatal: (error) => this.fatal.push(error),
			})
			.then(
				(session) => (this.session = session),
				(error: unknown) => (this.failure = error),
			);
	}

	/** Partitions on which new work may start now. */
	get usable(): string[] {
		return [...this.held.values()]
			.filter((grant) => this.session?.mayDispatch(grant.partition, grant.fence))
			.map(({ partition }) => partitionKey(partition));
	}

	grant(key: string): Grant {
		const grant = this.held.get(key);
		if (!grant) throw new Error(`${this.name} does not hold ${key}`);
		return grant;
	}

	commit(
		key: string,
		offset: bigint,
		options: { readonly rewind?: boolean; readonly last?: { offset: bigint; digest: string } } = {},
	): Commitment {
		const { partition, fence } = this.grant(key);
		return new Commitment(this.session?.commit({ partition, fence, offset, ...options }) ?? Promise.reject(new Error("not joined")));
	}

	kill(): void {
		this.process.kill();
	}
}

/** A commit under way, to be looked at without waiting. */
export class Commitment {
	result: "waiting" | "done" | { readonly error: unknown } = "waiting";

	constructor(promise: Promise<void>) {
		promise.then(
			() => (this.result = "done"),
			(error: unknown) => (this.result = { error }),
		);
	}

	get settled(): boolean {
		return this.result !== "waiting";
	}

	get code(): unknown {
		return typeof this.result === "object" && this.result.error instanceof Error && "code" in this.result.error
			? this.result.error.code
			: undefined;
	}
}

export function testAssignor(assign: Assignor["assign"]): Assignor {
	return { name: "test", assign };
}
