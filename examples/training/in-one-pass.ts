// The same training without a group: each partition read once from its start to its end.
import type { Broker } from "@polylog/core";
import { type Flight, flightsTopic, PARTITIONS } from "../analysis/flights.ts";
import { type Sample } from "./batch-fit.ts";
import { featuresOf, isLate, type Lateness, latenessAfter, latenessAt } from "./features.ts";
import { type Learner, train, UNTRAINED } from "./learner.ts";
import type { Training } from "./trainer.ts";

export async function trainInOnePass(broker: Broker, run: string, { rate, from }: Training): Promise<Learner[]> {
	const partitions = Array.from({ length: PARTITIONS }, async (_, partition) => {
		const flights: Flight[] = [];
		for await (const { value } of broker.read(flightsTopic(run), { partition, from, to: "latest" })) flights.push(value);
		return train(UNTRAINED, flights, rate);
	});
	return Promise.all(partitions);
}

/** What the batch fit gets: the same features, taken in the same order. */
export function samplesOf(flights: readonly Flight[]): Sample[] {
	const lateness: Record<string, number> & Lateness = {};
	return flights.map((flight) => {
		const late = isLate(flight);
		const features = featuresOf(flight, lateness);
		lateness[flight.origin] = latenessAfter(latenessAt(lateness, flight.origin), late);
		return { features, late };
	});
}
