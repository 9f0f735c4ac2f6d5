// Repeats what failed for a reason that passes, with back-off and jitter, until it works or nobody wants it any more.
import { type Clock, type Random, sleep } from "./clock.ts";
import { isPolylogError } from "./errors.ts";

export interface Patience {
	readonly clock: Clock;
	readonly random: Random;
	readonly signal: AbortSignal;
	/** Hears about every failure that is tried again. */
	readonly onRetry?: (error: unknown) => void;
}

const FIRST_MS = 50;
const LONGEST_MS = 5_000;

/** Delay before try number `attempt` (from 1): doubled each time, ± 20 %. */
export function backoffMs(attempt: number, random: Random, firstMs = FIRST_MS, longestMs = LONGEST_MS): number {
	const base = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 30));
	return base * (0.8 + 0.4 * random.fraction());
}

/** Runs `work` until it resolves; rejects with the first error that is not retryable, or the signal's reason. */
export async function persevere<R>(work: () => Promise<R>, patience: Patience): Promise<R> {
	for (let attempt = 1; ; attempt++) {
		patience.signal.throwIfAborted();
		try {
			return await work();
		} catch (error) {
			patience.signal.throwIfAborted();
			if (!isPolylogError(error) || !error.retryable) throw error;
			patience.onRetry?.(error);
			await sleep(patience.clock, backoffMs(attempt, patience.random), patience.signal);
		}
	}
}
