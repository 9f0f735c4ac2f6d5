// The partitions this member owns: turns what the session says (assigned, revoked, lost) into lanes, and awaits the
// application's hooks in between.
import type { Bell } from "../bell.ts";
import type { Grant, GroupSession, SessionListener } from "../driver/group-session.ts";
import type { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { EarlierHandlers } from "./earlier-handlers.ts";
import { fetchLoop } from "./fetch-loop.ts";
import { type LaneStartEvents, LaneStart, type LaneStartParts } from "./lane-start.ts";
import { failureOf } from "./member-hooks.ts";
import { type LaneLimits, PartitionLane } from "./partition-lane.ts";

export interface OwnershipParts extends LaneStartParts {
	readonly bell: Bell;
	readonly limits: LaneLimits;
	readonly events: OwnershipEvents;
}

/** What the member does about its partitions. Hooks are awaited. */
export interface OwnershipEvents extends LaneStartEvents {
	assigned(partitions: readonly Partition[]): Promise<void>;
	/** The lanes are drained: commit them, then ask the application. */
	revoking(lanes: readonly PartitionLane[]): Promise<void>;
	lost(partitions: readonly Partition[], reason: string): void;
	/** The lane may be worked from now on. */
	ready(lane: PartitionLane): void;
	fatal(error: PolylogError): void;
}

/** Drained partitions on their way out. */
interface Leaving {
	readonly lanes: PartitionLane[];
	readonly done: Promise<void>;
}

export class Ownership implements SessionListener {
	readonly #parts: OwnershipParts;
	readonly #lanes = new Map<string, PartitionLane>();
	readonly #starts: LaneStart;
	readonly #earlier: EarlierHandlers;
	readonly #preparing = new Map<PartitionLane, Promise<void>>();
	readonly #paused = new Set<string>();
	readonly #givingUp = new WeakMap<PartitionLane, Promise<void>>();
	#leaving: Leaving | undefined;
	#closing = false;

	constructor(parts: OwnershipParts) {
		this.#parts = parts;
		this.#starts = new LaneStart(parts);
		this.#earlier = new EarlierHandlers((partition) => this.#returned(partition));
	}

	get lanes(): readonly PartitionLane[] {
		return [...this.#lanes.values()];
	}

	get(partition: Partition): PartitionLane | undefined {
		return this.#lanes.get(partitionKey(partition));
	}

	assigned(grants: readonly Grant[]): void {
		if (this.#closing) return;
		const owned = grants.map((grant) => ({ grant, lane: this.#open(grant) }));
		const told = this.#tell(owned.map(({ lane }) => lane));
		for (const { lane } of owned)
			this.#preparing.set(
				lane,
				told.then(() => this.#start(lane)),
			);
		for (const { lane } of owned) {
			const reason = this.#earlier.hung(lane.key);
			if (reason !== undefined)
				this.#abandon(lane, reason).catch((error: unknown) => this.#parts.events.report(failureOf("giving up a partition", error)));
		}
	}

	async revoked(partitions: readonly Partition[]): Promise<void> {
		await this.#giveUp(partitions.map((partition) => this.get(partition)).filter((lane) => lane !== undefined));
	}

	lost(partitions: readonly Partition[], reason: string): void {
		const known = partitions.filter((partition) => this.#lanes.has(partitionKey(partition)));
		for (const partition of known) this.#end(this.get(partition), reason);
		if (known.length > 0) this.#parts.events.lost(known, reason);
	}

	fatal(error: unknown): void {
		const wrapped = this.#parts.backend.wrap(error, `being a member of group ${this.#parts.group}`, { group: this.#parts.group });
		for (const lane of this.lanes) this.#end(lane, wrapped.message);
		this.#parts.events.fatal(wrapped);
	}

	/** Gives a partition up because a handler of `lane` hangs; it counts as lost. So does a later ownership of the same
	 *  partition, which would have to wait for that handler. */
	async abandon(lane: PartitionLane, reason: string): Promise<void> {
		if (lane.running === 0) return;
		this.#earlier.hang(lane.key, reason);
		const current = this.#lanes.get(lane.key);
		if (current) await this.#abandon(current, reason);
	}

	async #abandon(lane: PartitionLane, reason: string): Promise<void> {
		this.#end(lane, reason);
		(await this.#parts.session()).abandon(lane.partition, lane.fence);
		this.#parts.events.lost([lane.partition], reason);
	}

	/** Pausing holds for the partition, whenever this member owns it. */
	pause(partition: Partition, paused: boolean): void {
		const key = partitionKey(partition);
		if (paused) this.#paused.add(key);
		else this.#paused.delete(key);
		this.#lanes.get(key)?.setPaused(paused);
	}

	/** Tries a stopped partition again, at the message that stopped it. */
	async restart(lane: PartitionLane): Promise<void> {
		if (lane.state !== "stopped") return;
		if (lane.position !== undefined) return lane.rewind();
		lane.prepareAgain();
		await (await this.#starts.begin(lane))?.close();
		if (!lane.ended) this.#parts.events.ready(lane);
	}

	/** Those too that were paused and are not owned now. */
	resumeAll(): void {
		this.#paused.clear();
		for (const lane of this.lanes) lane.setPaused(false);
	}

	seek(lane: PartitionLane, offset: Offset): void {
		this.#starts.seek(lane, offset);
	}

	/** Stops all work and resolves when every handler is done. Partitions that come later are not taken up. */
	async drain(): Promise<void> {
		this.#closing = true;
		const { lanes } = this;
		for (const lane of lanes) lane.revoke();
		await Promise.all([...lanes.map((lane) => lane.drained()), this.#earlier.allReturned()]);
	}

	/** After `drain`: commits and asks the application, for whatever is still owned. */
	async release(): Promise<void> {
		await this.#giveUp(this.lanes);
	}

	/** The deadline has passed, or the process is to look dead. */
	abort(reason: string): void {
		this.#closing = true;
		for (const lane of this.lanes) {
			lane.abort(reason);
			this.#end(lane, reason);
		}
	}

	#open(grant: Grant): PartitionLane {
		const { partition, fence } = grant;
		const key = partitionKey(partition);
		this.#end(this.#lanes.get(key), "granted anew");
		let session: GroupSession | undefined;
		void this.#parts.session().then(
			(joined) => (session = joined),
			() => {},
		);
		const lane = new PartitionLane(
			partition,
			fence,
			this.#parts.limits,
			(finishing) => session?.mayDispatch(partition, fence, finishing) ?? false,
			this.#parts.bell,
		);
		lane.setPaused(this.#paused.has(key));
		this.#lanes.set(key, lane);
		this.#starts.granted(lane, grant);
		return lane;
	}

	/** The hook comes before anything is delivered, and may seek. */
	async #tell(lanes: readonly PartitionLane[]): Promise<void> {
		const { events, backend } = this.#parts;
		try {
			await events.assigned(lanes.map((lane) => lane.partition));
		} catch (error) {
			const reason = backend.wrap(error, "the onAssigned hook");
			for (const lane of lanes) if (!lane.ended) events.stuck(lane, reason);
		}
	}

	async #start(lane: PartitionLane): Promise<void> {
		await this.#earlier.returned(lane);
		const reader = await this.#starts.begin(lane);
		this.#preparing.delete(lane);
		const { backend, events } = this.#parts;
		void fetchLoop(
			lane,
			backend,
			{ outOfRange: (at, error) => this.#starts.refused(at, error), failed: (at, error) => events.stuck(at, error) },
			reader,
		);
		if (!lane.ended) events.ready(lane);
	}

	async #giveUp(lanes: readonly PartitionLane[]): Promise<void> {
		for (const lane of lanes) lane.revoke();
		await Promise.all(lanes.map((lane) => this.#giveUpOnce(lane)));
	}

	/** Closing may find the partition on its way out already: it is committed and told of once. */
	#giveUpOnce(lane: PartitionLane): Promise<void> {
		const underWay = this.#givingUp.get(lane) ?? this.#giveUpOne(lane);
		this.#givingUp.set(lane, underWay);
		return underWay;
	}

	async #giveUpOne(lane: PartitionLane): Promise<void> {
		await this.#preparing.get(lane);
		await lane.quiet();
		if (lane.ended) return;
		const leaving = (this.#leaving ??= this.#newLeaving());
		leaving.lanes.push(lane);
		await leaving.done;
	}

	/** Partitions that become quiet in one turn of the event loop are committed and told of together. */
	#newLeaving(): Leaving {
		const lanes: PartitionLane[] = [];
		const together = async () => {
			await this.#parts.backend.clock.yield();
			this.#leaving = undefined;
			const held = lanes.filter((lane) => !lane.ended);
			if (held.length > 0) await this.#parts.events.revoking(held);
			for (const lane of held) this.#end(lane, "given up");
		};
		return { lanes, done: together() };
	}

	#end(lane: PartitionLane | undefined, reason: string): void {
		if (!lane) return;
		if (this.#lanes.get(lane.key) === lane) this.#lanes.delete(lane.key);
		lane.end(reason);
		this.#earlier.add(lane);
	}

	#returned(partition: Partition): void {
		void this.#parts.session().then(
			(session) => session.returned(partition),
			() => {},
		);
	}
}
