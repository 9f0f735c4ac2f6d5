// The named group, as operators and applications hold it. Looking at it does not join it.
import { abortedError } from "../aborted.ts";
import type { ConsumerGroup, GroupDescription, GroupLag, GroupOptions, ResetOptions, ResetReport } from "../api/consumer-group.ts";
import type { Estimate, EstimateOptions } from "../api/estimate.ts";
import type { Member, MemberOptions } from "../api/member.ts";
import type { Producer } from "../api/producer.ts";
import type { Handler, RunOptions } from "../api/run-options.ts";
import type { Topic, TopicShape } from "../api/topic.ts";
import type { Backend } from "../backend.ts";
import { DeadLetterWriter } from "../delivery/dead-letter.ts";
import type { GroupCoordinator, GroupSnapshot } from "../driver/group-session.ts";
import { isPolylogError, PolylogError } from "../errors.ts";
import { Sampler } from "../estimate/sampler.ts";
import type { Offset, Position } from "../offset.ts";
import { checkPosition } from "../position.ts";
import { PartitionMap } from "../partition-map.ts";
import type { Partition } from "../partition.ts";
import { stickyAssignor } from "./assignors/sticky.ts";
import { groupLag } from "./group-lag.ts";
import { resetGroup } from "./group-reset.ts";
import { GroupMember } from "./member.ts";
import { checkMemberOptions, checkRunOptions, oneOf } from "./settings.ts";

/** A member as the broker sees it. */
export interface OpenMember {
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
	destroy(): void;
}

const SESSION_TIMEOUT_MS = 10_000;
const LEAST_SESSION_MS = 1_000;

export interface GroupParts {
	readonly backend: Backend;
	readonly coordinator: GroupCoordinator;
	/** Makes the topic if its definition says how; resolves to its number of partitions. */
	readonly ensureTopic: (topic: TopicShape) => Promise<number>;
	readonly openProducer: (topic: Topic<Uint8Array | null>) => Producer<Uint8Array | null>;
	/** The broker closes its members when it closes. */
	readonly onJoined: (member: OpenMember) => void;
	readonly onEnded: (member: OpenMember) => void;
}

export class Group<T> implements ConsumerGroup<T> {
	readonly name: string;
	readonly #parts: GroupParts;
	readonly #options: GroupOptions<T>;
	readonly #topics: readonly string[];
	readonly #sessionTimeoutMs: number;
	readonly #heartbeatMs: number;
	readonly #sampler: Sampler;

	constructor(name: string, options: GroupOptions<T>, parts: GroupParts) {
		this.name = name;
		this.#parts = parts;
		this.#options = options;
		if (!Array.isArray(options.topics)) throw new TypeError(`group ${name} needs topics: [topic("name")]`);
		this.#topics = options.topics.map((topic) => nameOf(topic));
		if (this.#topics.length === 0 || new Set(this.#topics).size < this.#topics.length)
			throw new TypeError(`group ${name} needs at least one topic, and each only once`);
		checkPosition(options.from);
		if (options.onOutOfRange !== undefined) oneOf("onOutOfRange", options.onOutOfRange, ["fail", "earliest", "latest"]);
		if (options.assignor !== undefined && typeof options.assignor.assign !== "function")
			throw new TypeError("assignor must be an Assignor, such as stickyAssignor");
		this.#sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
		if (!Number.isFinite(this.#sessionTimeoutMs) || this.#sessionTimeoutMs < LEAST_SESSION_MS)
			throw new RangeError(`sessionTimeoutMs must be a number of at least ${LEAST_SESSION_MS}, not ${this.#sessionTimeoutMs}`);
		this.#heartbeatMs = options.heartbeatMs ?? this.#sessionTimeoutMs / 3;
		if (!(Number.isFinite(this.#heartbeatMs) && this.#heartbeatMs > 0 && this.#heartbeatMs <= this.#sessionTimeoutMs / 2))
			throw new RangeError(`heartbeatMs must be above 0 and at most half of sessionTimeoutMs, not ${this.#heartbeatMs}`);
		const { backend } = parts;
		this.#sampler = new Sampler({ backend, group: name, topics: this.#topics, from: options.from, find: () => this.#find() });
	}

	join(options: MemberOptions<T> = {}): Promise<Member<T>> {
		return this.#join(options, options.signal);
	}

	/** `signal` ends the joining; the member's own is in its options. */
	async #join(options: MemberOptions<T>, signal: AbortSignal | undefined): Promise<Member<T>> {
		checkMemberOptions(options);
		if (signal?.aborted) throw abortedError(signal, `joining group ${this.name}`);
		await Promise.all(this.#options.topics.map((topic) => this.#parts.ensureTopic(topic)));
		const { backend } = this.#parts;
		const member = new GroupMember<T>(
			{
				backend,
				group: this.name,
				from: this.#options.from,
				onOutOfRange: this.#options.onOutOfRange ?? "fail",
				topic: (partition) => this.#definition(partition),
				deadLetters: new DeadLetterWriter({
					group: this.name,
					partitionsOf: async (topic) => (await backend.describeTopic(topic))?.partitions.length ?? 1,
					open: this.#parts.openProducer,
				}),
				join: (listener, ended) =>
					this.#parts.coordinator.join(
						{
							group: this.name,
							topics: this.#topics,
							instanceId: options.instanceId,
							clientId: backend.clientId,
							sessionTimeoutMs: this.#sessionTimeoutMs,
							heartbeatMs: this.#heartbeatMs,
							assignor: this.#options.assignor ?? stickyAssignor,
						},
						listener,
						ended,
					),
				closed: () => new PolylogError("CLOSED", `the member of group ${this.name} is closed; join again`, { group: this.name }),
				onEnd: this.#parts.onEnded,
			},
			options,
		);
		this.#parts.onJoined(member);
		try {
			await member.join(signal);
		} catch (error) {
			this.#parts.onEnded(member);
			throw error;
		}
		return member;
	}

	async run(handler: Handler<T>, options: RunOptions & MemberOptions<T> = {}): Promise<void> {
		checkRunOptions(options);
		let member: Member<T>;
		try {
			// The signal ends the run in good order, which the member's own would cut short.
			member = await this.#join({ ...options, signal: undefined }, options.signal);
		} catch (error) {
			if (options.signal?.aborted && isPolylogError(error, "ABORTED")) return;
			throw error;
		}
		try {
			await member.run(handler, options);
		} finally {
			await member.close();
		}
	}

	async describe(): Promise<GroupDescription> {
		const { members, generation, coordinator } = await this.#snapshot();
		return { group: this.name, state: members.length > 0 ? "active" : "idle", generation, coordinator, members };
	}

	async committed(): Promise<ReadonlyMap<Partition, Offset>> {
		return offsetsOf(await this.#snapshot());
	}

	async lag(): Promise<GroupLag> {
		const { backend } = this.#parts;
		const find = async () => groupLag(backend, this.#topics, offsetsOf(await this.#find()), this.#options.from);
		return backend.patiently(`finding the lag of group ${this.name}`, find, { group: this.name });
	}

	estimate(options: EstimateOptions = {}): Promise<Estimate> {
		return this.#sampler.estimate(options);
	}

	async reset(to: Position, options: ResetOptions = {}): Promise<ResetReport> {
		checkPosition(to);
		const found = await this.#find();
		const { backend, coordinator } = this.#parts;
		return resetGroup(
			{
				backend,
				coordinator,
				group: this.name,
				topics: this.#topics,
				committed: offsetsOf(found),
				active: (found?.members.length ?? 0) > 0,
			},
			to,
			options,
		);
	}

	async delete(): Promise<void> {
		const { backend, coordinator } = this.#parts;
		const remove = async (again: boolean) => (await coordinator.delete(this.name)) || again;
		const existed = await backend.patiently(`deleting group ${this.name}`, remove, { group: this.name });
		if (!existed) throw this.#notFound();
	}

	#definition(partition: Partition): Topic<T> {
		const definition = this.#options.topics.find((topic) => topic.name === partition.topic);
		if (!definition) throw new RangeError(`${partition.topic} is not a topic of group ${this.name}`);
		return definition;
	}

	#find(): Promise<GroupSnapshot | undefined> {
		const { backend, coordinator } = this.#parts;
		return backend.patiently(`looking at group ${this.name}`, () => coordinator.describe(this.name), { group: this.name });
	}

	async #snapshot(): Promise<GroupSnapshot> {
		const found = await this.#find();
		if (!found) throw this.#notFound();
		return found;
	}

	#notFound(): PolylogError {
		return new PolylogError(
			"GROUP_NOT_FOUND",
			`group ${this.name} does not exist: nobody ever joined it (broker.consumerGroups() lists those that do)`,
			{ group: this.name },
		);
	}
}

function offsetsOf(snapshot: GroupSnapshot | undefined): PartitionMap<Offset> {
	const offsets = new PartitionMap<Offset>();
	for (const [partition, committed] of snapshot?.committed ?? []) offsets.set(partition, committed.offset);
	return offsets;
}

function nameOf(topic: { readonly name: string }): string {
	const name: unknown = typeof topic === "object" && topic !== null ? topic.name : undefined;
	if (typeof name !== "string") throw new TypeError('each of a group\'s topics must be made by topic("name")');
	return name;
}
