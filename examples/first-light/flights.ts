// The data: 200,000 flights, the topic that carries them, and a hash that tells whether one arrived as it was sent.
import { readFile } from "node:fs/promises";
import { topic, type Topic } from "@polylog/core";

export interface Flight {
	/** The row number in the data set. */
	readonly id: number;
	/** In minutes; negative: early. */
	readonly delay: number;
	/** In miles. */
	readonly distance: number;
	/** Of departure, in hours since midnight. */
	readonly time: number;
}

export const PARTITIONS = 8;

/** Flights of one distance keep their order. */
export function flightsTopic(name: string): Topic<Flight> {
	return topic<Flight>(name, { partitions: PARTITIONS, key: (flight) => String(flight.distance) });
}

export async function loadFlights(): Promise<Flight[]> {
	const file = new URL("../data/flights-200k.json", import.meta.resolve("vega-datasets"));
	const rows = JSON.parse(await readFile(file, "utf8")) as Omit<Flight, "id">[];
	return rows.map(({ delay, distance, time }, id) => ({ id, delay, distance, time }));
}

const numbers = new Float64Array(4);
const words = new Uint32Array(numbers.buffer);

/** 32 bits over all four numbers, exactly as they are. */
export function flightHash({ id, delay, distance, time }: Flight): number {
	numbers.set([id, delay, distance, time]);
	let hash = 0x811c9dc5;
	for (const word of words) {
		hash = Math.imul(hash ^ word, 0x85ebca6b);
		hash ^= hash >>> 15;
	}
	return hash >>> 0;
}
