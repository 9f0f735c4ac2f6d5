// Pure: Page and Hinkley's test: has something risen for good, or was that chance?

export interface Drift {
	readonly samples: number;
	readonly mean: number;
	/** How far the samples were above their mean, all together, less what is tolerated. */
	readonly sum: number;
	readonly lowest: number;
}

export const NO_DRIFT: Drift = { samples: 0, mean: 0, sum: 0, lowest: 0 };

const TOLERATED = 0.01;
/** Higher: fewer false alarms, later true ones. */
const THRESHOLD = 40;

/** Returns whether it has drifted; then the test begins anew. */
export function drifts(before: Drift, value: number): { readonly drift: Drift; readonly seen: boolean } {
	const samples = before.samples + 1;
	const mean = before.mean + (value - before.mean) / samples;
	const sum = before.sum + value - mean - TOLERATED;
	const lowest = Math.min(before.lowest, sum);
	return sum - lowest > THRESHOLD ? { drift: NO_DRIFT, seen: true } : { drift: { samples, mean, sum, lowest }, seen: false };
}
