// One member of a group of trainers: flights in, a model of each of its partitions checkpointed.
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker, ConsumerGroup, Position, Topic } from "@polylog/core";
import { type Flight, flightsTopic, PARTITIONS } from "../analysis/flights.ts";
import { type Checkpoint, checkpoints } from "../checkpoint/checkpoint.ts";
import { foldPartitions } from "../checkpoint/fold.ts";
import type { Work } from "../crew/crew.ts";
import { sessionTimeoutMs } from "../crew/stage.ts";
import { type Learner, train, UNTRAINED } from "./learner.ts";

/** One way to train: its own group, with its own place in the log, and its own models. */
export interface Training {
	readonly name: string;
	/** The size of a step. */
	readonly rate: number;
	readonly from: Position;
}

export const FIRST: Training = { name: "first", rate: 0.02, from: "earliest" };

/** Begins in the past of the first, with smaller steps. */
export const SECOND: Training = { name: "second", rate: 0.004, from: { timestamp: new Date("2001-03-01T00:00:00Z") } };

/** What a batch costs, as a pass on a larger model would: there shall be something to watch. */
const PASS_MS = 50;

/** The topic through which parameters are merged: whoever reads the last of each partition has the whole model. */
export const modelsTopic = (run: string, { name }: Training): Topic<Checkpoint<Learner>> =>
	checkpoints(`${run}-${name}-models`, PARTITIONS);

export function trainers(broker: Broker, run: string, { name, from }: Training): ConsumerGroup<Flight> {
	return broker.consumerGroup(`${run}-${name}`, { topics: [flightsTopic(run)], from, sessionTimeoutMs: sessionTimeoutMs(broker) });
}

export function trainWith(training: Training): Work {
	return (broker, run, batch) =>
		foldPartitions({
			broker,
			group: trainers(broker, run, training),
			states: modelsTopic(run, training),
			initial: () => UNTRAINED,
			from: training.from,
			fold: async (learner, messages) => {
				await sleep(PASS_MS);
				return train(
					learner,
					messages.map(({ value }) => value),
					training.rate,
				);
			},
			batch,
		});
}

export const work = trainWith(FIRST);
