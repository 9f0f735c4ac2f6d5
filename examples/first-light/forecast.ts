// Pure: processing time = data size / processing rate. What cannot be known stays unknown.

/** A rate looks back so far: long enough to be steady, short enough to follow. */
const WINDOW_MS = 2_000;
/** A rate of less would be an accident. */
const LEAST_MS = 300;
/** What has not moved for so long stands still: its old rate says nothing about its next one. */
const STILL_MS = 500;

interface Sample {
	readonly atMs: number;
	readonly count: number;
}

/** How fast a count rises. */
export class Rate {
	#samples: Sample[] = [];
	#moved: Sample | undefined;

	sample(atMs: number, count: number): void {
		const sample = { atMs, count };
		if (this.#moved?.count !== count) this.#moved = sample;
		else if (atMs - this.#moved.atMs >= STILL_MS) this.#samples = [];
		this.#samples.push(sample);
		while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= WINDOW_MS) this.#samples.shift();
	}

	/** Per second; `undefined`: unknown, since it has just begun to move, or stands still. */
	get perSecond(): number | undefined {
		const [first, last] = [this.#samples[0], this.#samples.at(-1)];
		if (!first || !last || last.atMs - first.atMs < LEAST_MS) return undefined;
		return ((last.count - first.count) * 1000) / (last.atMs - first.atMs);
	}
}

export interface Load {
	readonly remaining: number;
	readonly perSecond: number | undefined;
}

/**
 * How long the slowest partition takes, in seconds: partitions are processed side by side, each in its own order.
 * `undefined`: unknown, because a partition has data left and does not move.
 */
export function processingTime(partitions: readonly Load[]): number | undefined {
	let slowest = 0;
	for (const { remaining, perSecond } of partitions) {
		if (remaining <= 0) continue;
		if (!perSecond) return undefined;
		slowest = Math.max(slowest, remaining / perSecond);
	}
	return slowest;
}

/** What each partition has left. What is not sent yet is spread as the rest was. */
export function remainingRecords(total: number, partitions: readonly { readonly sent: number; readonly processed: number }[]): number[] {
	const sent = partitions.reduce((sum, partition) => sum + partition.sent, 0);
	return partitions.map((partition) => {
		const share = sent === 0 ? 1 / partitions.length : partition.sent / sent;
		return Math.max(0, partition.sent - partition.processed + (total - sent) * share);
	});
}

/** What was forecast at a point of the run. */
export interface Forecast {
	/** 0.5: half of the records were processed. */
	readonly share: number;
	readonly atMs: number;
	readonly seconds: number;
}

/** By how much the forecast was wrong, in % of what it really took; negative: it was too short. */
export function forecastError(forecast: Forecast, endMs: number): number | undefined {
	const took = (endMs - forecast.atMs) / 1000;
	return took <= 0 ? undefined : ((forecast.seconds - took) / took) * 100;
}
