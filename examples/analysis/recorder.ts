// Keeps what was seen of the group, to be drawn at the end.
import type { Look } from "../crew/watch.ts";

export interface Moment {
	/** Since the first look, in seconds. */
	readonly at: number;
	/** Messages per second since the moment before; `undefined` at the first. */
	readonly perSecond: number | undefined;
	readonly lag: number | undefined;
	/** How many partitions each member owns. */
	readonly members: readonly { readonly name: string; readonly partitions: number }[];
	/** Seconds until drained, as the estimate said. */
	readonly predicted: { readonly likely: number; readonly least: number; readonly most: number | undefined } | undefined;
}

export class Recorder {
	readonly #moments: Moment[] = [];
	readonly #events: { readonly at: number; readonly text: string }[] = [];
	#startMs: number | undefined;
	#before: Look | undefined;

	get moments(): readonly Moment[] {
		return this.#moments;
	}

	get events(): readonly { readonly at: number; readonly text: string }[] {
		return this.#events;
	}

	look(look: Look): void {
		const { atMs, processed, backlog, estimate, members } = look;
		const { drainMs } = estimate;
		const before = this.#before;
		this.#before = look;
		this.#moments.push({
			at: this.#at(atMs),
			perSecond: before && (1000 * (processed - before.processed)) / (atMs - before.atMs),
			lag: backlog,
			members: members.map(({ name, partitions }) => ({ name, partitions: partitions.length })),
			predicted: drainMs && {
				likely: drainMs.likely / 1000,
				least: drainMs.least / 1000,
				most: drainMs.most === undefined ? undefined : drainMs.most / 1000,
			},
		});
	}

	event(text: string): void {
		this.#events.push({ at: this.#at(performance.now()), text });
	}

	#at(ms: number): number {
		this.#startMs ??= ms;
		return (ms - this.#startMs) / 1000;
	}
}

/** By how much predictions were off, in % of what it really took; one for each moment that had one. */
export function predictionErrors(moments: readonly Moment[]): number[] {
	const end = moments.at(-1)?.at ?? 0;
	return moments.flatMap(({ at, predicted }) =>
		predicted && end > at && predicted.likely > 0 ? [((predicted.likely - (end - at)) / (end - at)) * 100] : [],
	);
}
