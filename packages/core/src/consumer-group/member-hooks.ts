// What the application hears of its member: awaited hooks, events, and the log where nobody listens.
import { EventEmitter } from "eventemitter3";
import type { Member, MemberEvents, MemberOptions } from "../api/member.ts";
import { isPolylogError, PolylogError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { PartitionLane } from "./partition-lane.ts";

export interface MemberHooksParts<T> {
	readonly member: Member<T>;
	readonly options: MemberOptions<T>;
	readonly group: string;
	readonly log: Log;
}

export class MemberHooks<T> {
	readonly events = new EventEmitter<MemberEvents>();
	readonly #parts: MemberHooksParts<T>;

	constructor(parts: MemberHooksParts<T>) {
		this.#parts = parts;
	}

	/** Rejects if the hook does: the partitions are then not started. */
	async assigned(partitions: readonly Partition[]): Promise<void> {
		try {
			await this.#parts.options.onAssigned?.(partitions, this.#parts.member);
		} catch (error) {
			throw failureOf("the onAssigned hook", error);
		}
		this.#tell("assigned", () => this.events.emit("assigned", partitions));
	}

	async revoked(partitions: readonly Partition[]): Promise<void> {
		try {
			await this.#parts.options.onRevoked?.(partitions, this.#parts.member);
		} catch (error) {
			this.report(failureOf("the onRevoked hook", error));
		}
		this.#tell("revoked", () => this.events.emit("revoked", partitions));
	}

	lost(partitions: readonly Partition[], reason: string): void {
		const failed = (error: unknown) => this.report(failureOf("the onLost hook", error));
		try {
			// Not awaited, and yet an asynchronous one must not fail unheard.
			const result: unknown = this.#parts.options.onLost?.(partitions, this.#parts.member);
			if (result instanceof Promise) result.catch(failed);
		} catch (error) {
			failed(error);
		}
		this.#tell("lost", () => this.events.emit("lost", partitions, reason));
	}

	committed(offsets: ReadonlyMap<Partition, Offset>): void {
		this.#tell("committed", () => this.events.emit("committed", offsets));
	}

	/** Stops the partition and says so. */
	stuck(lane: PartitionLane, error: PolylogError): void {
		if (lane.ended || lane.state === "stopped") return;
		lane.stop();
		if (!this.#tell("stuck", () => this.events.emit("stuck", lane.partition, error)))
			this.#parts.log.error(`group ${this.#parts.group}: partition ${lane.key} stopped: ${error.message}`);
	}

	/** Something failed that stops nothing. */
	report(error: PolylogError): void {
		if (!this.#tell("error", () => this.events.emit("error", error))) this.#parts.log.warn(`group ${this.#parts.group}: ${error.message}`);
	}

	/** A listener that throws must not break what it was told of. */
	#tell(event: keyof MemberEvents, emit: () => boolean): boolean {
		try {
			return emit();
		} catch (error) {
			this.#parts.log.error(`group ${this.#parts.group}: ${failureOf(`a listener of "${event}"`, error).message}`);
			return true;
		}
	}
}

/** What the application's own code threw, as a PolylogError. */
export function failureOf(what: string, error: unknown): PolylogError {
	if (isPolylogError(error)) return error;
	return new PolylogError("HANDLER_FAILED", `${what} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
