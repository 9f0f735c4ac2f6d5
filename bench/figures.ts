// From pairs of measurements to figures. Pure.

export interface Metric {
	readonly name: string;
	/** Messages a second; or a time, of which less is better: ms for each, or µs of this process' processor time for each. */
	readonly unit: "msgs/s" | "ms" | "µs";
	/** The least ratio that passes; undefined: none is required. */
	readonly floor: number | undefined;
}

/** The same work by the library and by the raw client, one right after the other. */
export interface Pair {
	readonly polylog: number;
	readonly raw: number;
}

export interface Spread {
	readonly median: number;
	readonly least: number;
	readonly most: number;
}

export interface Figure {
	readonly metric: Metric;
	readonly polylog: Spread;
	readonly raw: Spread;
	/** How much of the raw client's speed: above 1 the library is faster, for rates and for times alike. */
	readonly ratio: Spread;
	/** `undefined` where nothing is required. */
	readonly passed: boolean | undefined;
}

export function figure(metric: Metric, pairs: readonly Pair[]): Figure {
	const ratio = spread(pairs.map(({ polylog, raw }) => (metric.unit === "msgs/s" ? polylog / raw : raw / polylog)));
	return {
		metric,
		polylog: spread(pairs.map(({ polylog }) => polylog)),
		raw: spread(pairs.map(({ raw }) => raw)),
		ratio,
		passed: metric.floor === undefined ? undefined : ratio.median >= metric.floor,
	};
}

export function spread(values: readonly number[]): Spread {
	const sorted = values.toSorted((a, b) => a - b);
	const median = ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
	return { median, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}

/** The least value that at least `fraction` of all are at or below. */
export function percentile(values: readonly number[], fraction: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}
