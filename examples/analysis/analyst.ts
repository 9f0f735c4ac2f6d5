// One member of the group: flights in, totals of its partitions checkpointed.
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker, ConsumerGroup } from "@polylog/core";
import { checkpoints } from "../checkpoint/checkpoint.ts";
import { foldPartitions } from "../checkpoint/fold.ts";
import type { Work } from "../crew/crew.ts";
import { sessionTimeoutMs } from "../crew/stage.ts";
import { type Flight, flightsTopic, PARTITIONS } from "./flights.ts";
import { addFlights, NO_TOTALS, type Totals } from "./totals.ts";

/** What a batch costs, as a write to a database would: there shall be something to watch. */
const WRITE_MS = 50;

export const totalsTopic = (run: string) => checkpoints<Totals>(`${run}-totals`, PARTITIONS);

export function analysts(broker: Broker, run: string): ConsumerGroup<Flight> {
	return broker.consumerGroup(`${run}-analysts`, {
		topics: [flightsTopic(run)],
		from: "earliest",
		sessionTimeoutMs: sessionTimeoutMs(broker),
	});
}

export const work: Work = (broker, run, batch) =>
	foldPartitions({
		broker,
		group: analysts(broker, run),
		states: totalsTopic(run),
		initial: () => NO_TOTALS,
		fold: async (totals, messages) => {
			await sleep(WRITE_MS);
			return addFlights(
				totals,
				messages.map(({ value }) => value),
			);
		},
		batch,
	});
