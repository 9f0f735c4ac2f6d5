// What the judges of a history share. Each sees all events in order, keeps what it needs, and accuses.
import type { HistoryEvent } from "./event.ts";

export interface Judge {
	take(event: HistoryEvent): void;
	/** After the last event. */
	end(): void;
}

export interface HistoryRules {
	/** Default "partition": one message of a partition at a time. */
	readonly order?: "partition" | "key";
	/** Whether everything sent has to have been handled by now. Default true. */
	readonly drained?: boolean;
	/** How far the clocks of two processes may be apart, in ms. Default 0: one process, one clock. */
	readonly skewMs?: number;
	/** How many messages may be in the log twice: for a producer without de-duplication, its window for each reconnect. Default 0. */
	readonly storedTwice?: number;
	/** How long messages may wait after `healed` without anything moving, in ms. Default 4500: three of the kit's sessions. */
	readonly progressMs?: number;
}

export const placeOf = (event: { readonly partition: string; readonly offset: bigint }): string => `${event.partition}@${event.offset}`;

/** A group's view of one partition. */
export const laneOf = (event: { readonly group?: string; readonly partition: string }): string => `${event.group ?? ""}|${event.partition}`;

/** A map that makes what it does not have. */
export class Made<K, V> extends Map<K, V> {
	readonly #make: (key: K) => V;

	constructor(make: (key: K) => V) {
		super();
		this.#make = make;
	}

	of(key: K): V {
		const known = this.get(key);
		if (known !== undefined) return known;
		const made = this.#make(key);
		this.set(key, made);
		return made;
	}
}
