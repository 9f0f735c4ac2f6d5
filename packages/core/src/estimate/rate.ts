// Pure: how fast a count rises that is seen now and then, and moves in steps (commits are batches of work).
import type { Point } from "./samples.ts";

/** Counts per second, and between which values the truth may lie. */
export interface Rate {
	readonly likely: number;
	readonly least: number;
	readonly most: number;
}

/** A count that rested for so many of its usual steps has stopped. */
const STEPS_OF_REST = 3;
const LEAST_REST_MS = 1_500;
/** How far off a rate may be that was seen in a single step. */
const ONE_STEP_FACTOR = 2;

/**
 * From the first step that was seen to the last one: what lies before the first belongs to a step whose length nobody
 * saw. `undefined` with fewer than two points. 0 is what has not moved, or has stopped.
 */
export function rateOf(points: readonly Point[]): Rate | undefined {
	const [first, last] = [points[0], points.at(-1)];
	if (!first || !last || last.atMs <= first.atMs) return undefined;
	const all = stepsOf(points);
	const steps = sinceRest(all);
	const [from, to] = [steps[0], steps.at(-1)];
	if (!from || !to) return { likely: 0, least: 0, most: 0 };
	if (last.atMs - to.atMs > restMs(all, first.atMs)) return { likely: 0, least: 0, most: 0 };
	// Each step was made at some time since the look before.
	const unseenMs = (last.atMs - first.atMs) / (points.length - 1);
	const spanMs = to.atMs - from.atMs;
	if (spanMs < 2 * unseenMs) {
		const likely = perSecond(last.count - first.count, last.atMs - first.atMs);
		return { likely, least: likely / ONE_STEP_FACTOR, most: likely * ONE_STEP_FACTOR };
	}
	const count = to.count - from.count;
	return { likely: perSecond(count, spanMs), least: perSecond(count, spanMs + unseenMs), most: perSecond(count, spanMs - unseenMs) };
}

/** The steps since the last standstill (a dead owner, an outage): the time in it says nothing about the pace after it. */
function sinceRest(steps: readonly Point[]): readonly Point[] {
	const gaps = steps.slice(1).map(({ atMs }, index) => atMs - (steps[index]?.atMs ?? atMs));
	const usualMs = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
	const rest = gaps.findLastIndex((gap) => gap > Math.max(LEAST_REST_MS, STEPS_OF_REST * usualMs));
	// A single step has no pace yet.
	return steps.length - rest > 2 ? steps.slice(rest + 1) : steps;
}

/** Since when the count has been what it is now, as far as was seen. */
export function restingSinceMs(points: readonly Point[]): number | undefined {
	return stepsOf(points).at(-1)?.atMs ?? points[0]?.atMs;
}

/** How long the count may rest between steps before it has stopped. */
export function restMs(steps: readonly Point[], sinceMs: number): number {
	const usualMs = ((steps.at(-1)?.atMs ?? sinceMs) - sinceMs) / Math.max(1, steps.length);
	return Math.max(LEAST_REST_MS, STEPS_OF_REST * usualMs);
}

/** The points at which the count had risen. */
export function stepsOf(points: readonly Point[]): Point[] {
	return points.filter((point, index) => index > 0 && point.count > (points[index - 1]?.count ?? point.count));
}

function perSecond(count: bigint, ms: number): number {
	return (Number(count) * 1000) / ms;
}
