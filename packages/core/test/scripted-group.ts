// The embedded backend with a coordinator that does what a test says: grants, revokes and refuses at will.
import type { Commit, Driver, Grant, GroupCoordinator, GroupSession, SessionListener } from "../src/driver/index.ts";
import { connect, type Adapter, type Broker, type Partition } from "../src/index.ts";
import { memoryAdapter } from "../src/memory/memory-driver.ts";

export class ScriptedGroup implements GroupSession {
	readonly memberId = "scripted";
	readonly commits: Commit[] = [];
	readonly abandoned: Partition[] = [];
	readonly gaveBack: Partition[] = [];
	readonly left: { readonly drained: boolean }[] = [];
	destroyed = false;
	/** What `mayDispatch` answers. */
	lease = true;
	/** What a commit waits for, and is refused with. */
	gate: Promise<void> | undefined;
	refusal: Error | undefined;
	/** What `join` waits for. */
	joining: Promise<void> | undefined;
	/** What `leave` waits for. */
	leaving: Promise<void> | undefined;
	listener: SessionListener | undefined;
	#fence = 0n;

	mayDispatch(): boolean {
		return this.lease;
	}

	async commit(commit: Commit): Promise<void> {
		await this.gate;
		if (this.refusal !== undefined) throw this.refusal;
		this.commits.push(commit);
	}

	abandon(partition: Partition): void {
		this.abandoned.push(partition);
	}

	returned(partition: Partition): void {
		this.gaveBack.push(partition);
	}

	async leave(options: { readonly drained: boolean; readonly signal?: AbortSignal }): Promise<void> {
		this.left.push({ drained: options.drained });
		const aborted = new Promise<void>((resolve) => options.signal?.addEventListener("abort", () => resolve()));
		await Promise.race([this.leaving, aborted]);
	}

	destroy(): void {
		this.destroyed = true;
	}

	/** Grants partition `index` of `topic` under the next fence, with what was committed last. */
	grant(topic: string, ...indexes: number[]): void {
		this.listener?.assigned(indexes.map((index) => this.#grant({ topic, index })));
	}

	lose(topic: string, ...indexes: number[]): void {
		this.listener?.lost(
			indexes.map((index) => ({ topic, index })),
			"the test said so",
		);
	}

	revoke(topic: string, ...indexes: number[]): Promise<void> {
		return this.listener?.revoked(indexes.map((index) => ({ topic, index }))) ?? Promise.resolve();
	}

	committedOf(index: number): bigint | undefined {
		return this.commits.findLast((commit) => commit.partition.index === index)?.offset;
	}

	#grant(partition: Partition): Grant {
		const last = this.commits.findLast((commit) => commit.partition.index === partition.index);
		return { partition, fence: ++this.#fence, committed: last && { offset: last.offset, last: last.last } };
	}
}

/** A broker whose only group is `script`. `adapt` may replace parts of the driver. */
export async function scriptedBroker(script: ScriptedGroup, adapt: (driver: Driver) => Partial<Driver> = () => ({})): Promise<Broker> {
	const coordinator: GroupCoordinator = {
		async join(_request, listener, signal) {
			script.listener = listener;
			const aborted = new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
			await Promise.race([script.joining, aborted]);
			return script;
		},
		describe: async () => undefined,
		list: async () => [],
		reset: async () => {},
		delete: async () => false,
	};
	return brokerWith((driver) => ({ groups: { kind: "native", coordinator }, ...adapt(driver) }));
}

/** A broker on the embedded backend, with parts of its driver replaced. */
export function brokerWith(adapt: (driver: Driver) => Partial<Driver>): Promise<Broker> {
	const adapter: Adapter = {
		name: "scripted",
		schemes: ["scripted"],
		create(target, context) {
			const inner = memoryAdapter.create(target, context);
			const driver: Driver = {
				name: "scripted",
				capabilities: inner.capabilities,
				topics: inner.topics,
				groups: inner.groups,
				connect: (signal) => inner.connect(signal),
				close: () => inner.close(),
				destroy: () => inner.destroy(),
				append: (...rest) => inner.append(...rest),
				openReader: (...rest) => inner.openReader(...rest),
				offsetAt: (...rest) => inner.offsetAt(...rest),
				classify: (error) => inner.classify(error),
				native: () => inner.native(),
			};
			return { ...driver, ...adapt(inner) };
		},
	};
	return connect({ url: "scripted:", adapters: { scripted: adapter } });
}
