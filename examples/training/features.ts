// Pure: what a flight looks like to a model before it has left, and what became of it.
import type { Flight } from "../analysis/flights.ts";

/** How late flights of an airport have been lately, from 0 to 1. Part of the state: it is learnt on the way. */
export type Lateness = Readonly<Record<string, number>>;

const UNKNOWN_LATENESS = 0.5;
/** What one flight adds to what is known of its airport. */
const MEMORY = 0.03;

export const FEATURES = [
	"bias",
	"sin of the hour",
	"cos of the hour",
	"sin of half the day",
	"distance",
	"weekend",
	"lateness of the airport",
] as const;

/** Not in time: the model's question. */
export function isLate({ delay }: Flight): boolean {
	return delay > 0;
}

export function featuresOf({ date, distance, origin }: Flight, lateness: Lateness): number[] {
	const hour = Number(date.slice(11, 13)) + Number(date.slice(14, 16)) / 60;
	const turn = (2 * Math.PI * hour) / 24;
	const day = new Date(`${date.slice(0, 10)}T00:00:00Z`).getUTCDay();
	return [
		1,
		Math.sin(turn),
		Math.cos(turn),
		Math.sin(2 * turn),
		distance / 1000,
		day === 0 || day === 6 ? 1 : 0,
		latenessAt(lateness, origin) * 2 - 1,
	];
}

export function latenessAt(lateness: Lateness, origin: string): number {
	return lateness[origin] ?? UNKNOWN_LATENESS;
}

export function latenessAfter(before: number, late: boolean): number {
	return before + MEMORY * ((late ? 1 : 0) - before);
}
