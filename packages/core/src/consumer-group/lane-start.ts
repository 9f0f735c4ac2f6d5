// Where a newly owned partition begins, and what becomes of it if it cannot begin there.
import type { Backend } from "../backend.ts";
import type { Reader } from "../driver/driver.ts";
import type { Grant, GroupSession } from "../driver/group-session.ts";
import { PolylogError } from "../errors.ts";
import type { Offset, Position } from "../offset.ts";
import { partitionContext } from "../partition-context.ts";
import { persevere } from "../patience.ts";
import type { PartitionLane } from "./partition-lane.ts";
import { readerAt } from "./starting-point.ts";

export interface LaneStartParts {
	readonly backend: Backend;
	readonly group: string;
	readonly from: Position;
	readonly onOutOfRange: "fail" | "earliest" | "latest";
	readonly session: () => Promise<GroupSession>;
	readonly events: LaneStartEvents;
}

export interface LaneStartEvents {
	stuck(lane: PartitionLane, error: PolylogError): void;
	report(error: PolylogError): void;
}

export class LaneStart {
	readonly #parts: LaneStartParts;
	readonly #grants = new WeakMap<PartitionLane, Grant>();
	/** Seeks made in `onAssigned`, before the lane has a start. */
	readonly #seeks = new WeakMap<PartitionLane, Offset>();

	constructor(parts: LaneStartParts) {
		this.#parts = parts;
	}

	granted(lane: PartitionLane, grant: Grant): void {
		this.#grants.set(lane, grant);
	}

	seek(lane: PartitionLane, offset: Offset): void {
		if (lane.state === "preparing") this.#seeks.set(lane, offset);
		else lane.restart(offset, { moved: true });
	}

	/** May give a reader that stands at the start already. */
	async begin(lane: PartitionLane): Promise<Reader | undefined> {
		// The hook failed: nothing of it takes effect before the partition is resumed.
		if (lane.state === "stopped") return undefined;
		const grant = this.#grants.get(lane);
		let reader: Reader | undefined;
		try {
			if (grant && lane.state === "preparing") {
				if (!this.#seeks.has(lane)) reader = await this.#position(grant, lane);
				// A seek is not committed: without a start, the next owner would choose a later one.
				else if (!grant.committed && !grant.historyLost) await this.#choose(grant, lane);
			}
		} catch (error) {
			if (!lane.halt.aborted) await this.refused(lane, error);
		}
		// Also one that was made while the place was being found.
		const sought = this.#seeks.get(lane);
		this.#seeks.delete(lane);
		if (sought === undefined) return reader;
		await reader?.close().catch(() => {});
		lane.restart(sought, { ...(grant?.committed ? { committed: grant.committed.offset } : {}), moved: true });
		return undefined;
	}

	/** A position the log does not hold, or another reason not to start. */
	async refused(lane: PartitionLane, error: unknown): Promise<void> {
		const { backend, events, onOutOfRange } = this.#parts;
		const wrapped = backend.wrap(error, `starting ${lane.key}`, partitionContext(lane.partition));
		if (wrapped.code === "FENCED") return;
		if (wrapped.code !== "OFFSET_OUT_OF_RANGE" || onOutOfRange === "fail") return events.stuck(lane, wrapped);
		try {
			const offset = await this.#persevere(lane, () => backend.resolve(lane.partition, onOutOfRange));
			events.report(wrapped);
			lane.restart(offset, { moved: true });
		} catch (failure) {
			if (!lane.halt.aborted)
				events.stuck(lane, backend.wrap(failure, `moving ${lane.key} to ${onOutOfRange}`, partitionContext(lane.partition)));
		}
	}

	/** Puts the lane where the group stands, or `from` where it never was. */
	async #position(grant: Grant, lane: PartitionLane): Promise<Reader | undefined> {
		const { backend, from, events } = this.#parts;
		const { committed, partition } = grant;
		if (committed) {
			const reader = await this.#persevere(lane, () => readerAt(backend, partition, committed, lane.halt));
			lane.restart(committed.offset, { committed: committed.offset, moved: false, proof: committed.last });
			return reader;
		}
		// Without its history, only starting over skips nothing; where else to start is the operator's choice.
		if (grant.historyLost) {
			const lost = await this.#persevere(lane, () => this.#lostHistory(lane));
			if (from !== "earliest") throw lost;
			events.report(lost);
		}
		const offset = await this.#choose(grant, lane);
		lane.restart(offset, { committed: offset, moved: false });
		return undefined;
	}

	/** Commits where the group begins, before anything is delivered: `latest` would skip what arrives before the first commit. */
	async #choose({ partition, fence }: Grant, lane: PartitionLane): Promise<Offset> {
		const { backend, from, session } = this.#parts;
		const offset = await this.#persevere(lane, () => backend.resolve(partition, from));
		await (await session()).commit({ partition, fence, offset });
		return offset;
	}

	async #lostHistory({ partition, key }: PartitionLane): Promise<PolylogError> {
		const { backend, group } = this.#parts;
		const { earliest, end } = await backend.describePartition(partition);
		const context = { ...partitionContext(partition), group, earliest, end };
		return new PolylogError("OFFSET_OUT_OF_RANGE", `group ${group} has lost its committed offset of ${key} with its journal`, context);
	}

	#persevere<T>(lane: PartitionLane, attempt: () => Promise<T>): Promise<T> {
		const { clock, random } = this.#parts.backend;
		return persevere(attempt, { clock, random, signal: lane.halt });
	}
}
