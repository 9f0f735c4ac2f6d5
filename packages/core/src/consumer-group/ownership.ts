// The partitions this member owns: turns what the session says (assigned, revoked, lost) into lanes, and awaits the
// application's hooks in between.
import type { Backend } from "../backend.ts";
import { partitionContext } from "../partition-context.ts";
import type { Bell } from "../bell.ts";
import type { Reader } from "../driver/driver.ts";
import type { Grant, GroupSession, SessionListener } from "../driver/group-session.ts";
import { PolylogError } from "../errors.ts";
import type { Offset, Position } from "../offset.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { persevere } from "../patience.ts";
import { fetchLoop } from "./fetch-loop.ts";
import { failureOf } from "./member-hooks.ts";
import { type LaneLimits, PartitionLane } from "./partition-lane.ts";
import { readerAt } from "./starting-point.ts";

export interface OwnershipParts {
	readonly backend: Backend;
	readonly group: string;
	readonly bell: Bell;
	readonly limits: LaneLimits;
	readonly from: Position;
	readonly onOutOfRange: "fail" | "earliest" | "latest";
	readonly session: () => Promise<GroupSession>;
	readonly events: OwnershipEvents;
}

/** What the member does about its partitions. Hooks are awaited. */
export interface OwnershipEvents {
	assigned(partitions: readonly Partition[]): Promise<void>;
	/** The lanes are drained: commit them, then ask the application. */
	revoking(lanes: readonly PartitionLane[]): Promise<void>;
	lost(partitions: readonly Partition[], reason: string): void;
	/** The lane may be worked from now on. */
	ready(lane: PartitionLane): void;
	stuck(lane: PartitionLane, error: PolylogError): void;
	report(error: PolylogError): void;
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
	/** Handlers of earlier ownerships that still run here: a partition never has two in one process. */
	readonly #draining = new Map<string, Promise<void>>();
	readonly #preparing = new Map<PartitionLane, Promise<void>>();
	readonly #paused = new Set<string>();
	readonly #grants = new WeakMap<PartitionLane, Grant>();
	/** Seeks made in `onAssigned`, before the lane has a start. */
	readonly #seeks = new WeakMap<PartitionLane, Offset>();
	readonly #givingUp = new WeakMap<PartitionLane, Promise<void>>();
	/** Partitions given up because a handler hangs, and why; until it returns they cannot be worked here. */
	readonly #hung = new Map<string, string>();
	#leaving: Leaving | undefined;
	#closing = false;

	constructor(parts: OwnershipParts) {
		this.#parts = parts;
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
			const reason = this.#hung.get(lane.key);
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
		this.#hung.set(lane.key, reason);
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
		await (await this.#begin(lane))?.close();
		if (!lane.ended) this.#parts.events.ready(lane);
	}

	/** Those too that were paused and are not owned now. */
	resumeAll(): void {
		this.#paused.clear();
		for (const lane of this.lanes) lane.setPaused(false);
	}

	seek(lane: PartitionLane, offset: Offset): void {
		if (lane.state === "preparing") this.#seeks.set(lane, offset);
		else lane.restart(offset, { moved: true });
	}

	/** Stops all work and resolves when every handler is done. Partitions that come later are not taken up. */
	async drain(): Promise<void> {
		this.#closing = true;
		const { lanes } = this;
		for (const lane of lanes) lane.revoke();
		await Promise.all([...lanes.map((lane) => lane.drained()), ...this.#draining.values()]);
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
		this.#grants.set(lane, grant);
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
		await this.#othersDone(lane);
		const reader = await this.#begin(lane);
		this.#preparing.delete(lane);
		const { backend, events } = this.#parts;
		void fetchLoop(
			lane,
			backend,
			{ outOfRange: (at, error) => this.#refused(at, error), failed: (at, error) => events.stuck(at, error) },
			reader,
		);
		if (!lane.ended) events.ready(lane);
	}

	/** Resolves when no handler of an earlier ownership runs here, or this ownership is over as well. */
	async #othersDone(lane: PartitionLane): Promise<void> {
		const draining = this.#draining.get(lane.key);
		if (!draining) return;
		const over = Promise.withResolvers<void>();
		lane.halt.addEventListener("abort", () => over.resolve(), { once: true });
		if (lane.halt.aborted) over.resolve();
		await Promise.race([draining, over.promise]);
	}

	async #begin(lane: PartitionLane): Promise<Reader | undefined> {
		// The hook failed: nothing of it takes effect before the partition is resumed.
		if (lane.state === "stopped") return undefined;
		const grant = this.#grants.get(lane);
		let reader: Reader | undefined;
		try {
			if (grant && lane.state === "preparing") {
				if (!this.#seeks.has(lane)) reader = await this.#position(grant, lane);
				// A seek is not committed: without a start, the next owner would choose a later one.
				else if (!grant.committed && !grant.historyLost) await this.#chooseStart(grant, lane);
			}
		} catch (error) {
			if (!lane.halt.aborted) await this.#refused(lane, error);
		}
		// Also one that was made while the place was being found.
		const sought = this.#seeks.get(lane);
		this.#seeks.delete(lane);
		if (sought === undefined) return reader;
		await reader?.close().catch(() => {});
		lane.restart(sought, { ...(grant?.committed ? { committed: grant.committed.offset } : {}), moved: true });
		return undefined;
	}

	/** Puts the lane where the group stands, or `from` where it never was. */
	async #position(grant: Grant, lane: PartitionLane): Promise<Reader | undefined> {
		const { backend, from } = this.#parts;
		const patience = { clock: backend.clock, random: backend.random, signal: lane.halt };
		const { committed, partition } = grant;
		if (committed) {
			const reader = await persevere(() => readerAt(backend, partition, committed, lane.halt), patience);
			lane.restart(committed.offset, { committed: committed.offset, moved: false, proof: committed.last });
			return reader;
		}
		// Without its history, only starting over skips nothing; where else to start is the operator's choice.
		if (grant.historyLost) {
			const lost = await persevere(() => this.#lostHistory(lane), patience);
			if (from !== "earliest") throw lost;
			this.#parts.events.report(lost);
		}
		const offset = await this.#chooseStart(grant, lane);
		lane.restart(offset, { committed: offset, moved: false });
		return undefined;
	}

	/** Commits where the group begins, before anything is delivered: `latest` would otherwise skip what arrives before the first commit. */
	async #chooseStart({ partition, fence }: Grant, lane: PartitionLane): Promise<Offset> {
		const { backend, from, session } = this.#parts;
		const patience = { clock: backend.clock, random: backend.random, signal: lane.halt };
		const offset = await persevere(() => backend.resolve(partition, from), patience);
		await (await session()).commit({ partition, fence, offset });
		return offset;
	}

	async #lostHistory({ partition, key }: PartitionLane): Promise<PolylogError> {
		const { earliest, end } = await this.#parts.backend.describePartition(partition);
		const context = { ...partitionContext(partition), group: this.#parts.group, earliest, end };
		return new PolylogError(
			"OFFSET_OUT_OF_RANGE",
			`group ${this.#parts.group} has lost its committed offset of ${key} with its journal`,
			context,
		);
	}

	/** A position the log does not hold, or another reason not to start. */
	async #refused(lane: PartitionLane, error: unknown): Promise<void> {
		const { backend, events, onOutOfRange } = this.#parts;
		const wrapped = backend.wrap(error, `starting ${lane.key}`, partitionContext(lane.partition));
		if (wrapped.code === "FENCED") return;
		if (wrapped.code !== "OFFSET_OUT_OF_RANGE" || onOutOfRange === "fail") return events.stuck(lane, wrapped);
		try {
			const patience = { clock: backend.clock, random: backend.random, signal: lane.halt };
			const offset = await persevere(() => backend.resolve(lane.partition, onOutOfRange), patience);
			events.report(wrapped);
			lane.restart(offset, { moved: true });
		} catch (failure) {
			if (!lane.halt.aborted)
				events.stuck(lane, backend.wrap(failure, `moving ${lane.key} to ${onOutOfRange}`, partitionContext(lane.partition)));
		}
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
		if (lane.running === 0) return;
		const drained = Promise.all([this.#draining.get(lane.key), lane.drained()]).then(() => {
			if (this.#draining.get(lane.key) === drained) this.#allReturned(lane);
		});
		this.#draining.set(lane.key, drained);
	}

	/** No handler of any ownership of the partition runs here any more: it may be owned here again. */
	#allReturned({ key, partition }: PartitionLane): void {
		this.#draining.delete(key);
		if (!this.#hung.delete(key)) return;
		void this.#parts.session().then(
			(session) => session.returned(partition),
			() => {},
		);
	}
}
