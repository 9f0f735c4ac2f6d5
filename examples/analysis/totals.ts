// Pure: sums by hour, distance, day and airport. Whole numbers only, so that any order of adding gives the same.
import type { Flight } from "./flights.ts";

export interface Sum {
	readonly flights: number;
	/** More than a quarter of an hour. */
	readonly late: number;
	/** In minutes, all together. */
	readonly delay: number;
}

export const DIMENSIONS = ["hour", "distance", "day", "origin"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface Totals {
	/** The last row that is in here; -1: none. */
	readonly row: number;
	readonly sums: Readonly<Record<Dimension, Readonly<Record<string, Sum>>>>;
}

export const NO_TOTALS: Totals = { row: -1, sums: { hour: {}, distance: {}, day: {}, origin: {} } };

const LATE_MINUTES = 15;
const DISTANCE_STEP = 250;

/** The cell of the flight in each dimension. A day is a window in time, the others are groups. */
const CELLS: Readonly<Record<Dimension, (flight: Flight) => string>> = {
	hour: ({ date }) => date.slice(11, 13),
	distance: ({ distance }) => String(Math.floor(distance / DISTANCE_STEP) * DISTANCE_STEP),
	day: ({ date }) => date.slice(0, 10),
	origin: ({ origin }) => origin,
};

/** Rows that are in the totals already are left out: a source that was stopped sends its last ones again. */
export function addFlights(totals: Totals, flights: readonly Flight[]): Totals {
	const sums = structuredClone(totals.sums) as Record<Dimension, Record<string, Sum>>;
	let row = totals.row;
	for (const flight of flights) {
		if (flight.row <= row) continue;
		row = flight.row;
		const one = { flights: 1, late: flight.delay > LATE_MINUTES ? 1 : 0, delay: flight.delay };
		for (const dimension of DIMENSIONS) add(sums[dimension], CELLS[dimension](flight), one);
	}
	return { row, sums };
}

/** Of all partitions. */
export function together(all: readonly Totals[]): Totals["sums"] {
	const sums: Record<Dimension, Record<string, Sum>> = { hour: {}, distance: {}, day: {}, origin: {} };
	for (const totals of all)
		for (const dimension of DIMENSIONS) for (const [cell, sum] of Object.entries(totals.sums[dimension])) add(sums[dimension], cell, sum);
	return sums;
}

function add(sums: Record<string, Sum>, cell: string, { flights, late, delay }: Sum): void {
	const sum = sums[cell] ?? { flights: 0, late: 0, delay: 0 };
	sums[cell] = { flights: sum.flights + flights, late: sum.late + late, delay: sum.delay + delay };
}
