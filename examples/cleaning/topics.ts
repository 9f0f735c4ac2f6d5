// The topics and groups, by the prefix of the run.
import { type Broker, type ConsumerGroup, topic } from "@polylog/core";
import { sessionTimeoutMs } from "../crew/stage.ts";
import { Movie, type RawMovie, type Rejected } from "./movie.ts";

const PARTITIONS = 8;

export const rawMovies = (run: string) => topic<RawMovie>(`${run}-raw`, { partitions: PARTITIONS });

/** Keyed by what the movie is, so that all that is known of it comes to one partition. */
export const parsedMovies = (run: string) => topic(`${run}-parsed`, { partitions: PARTITIONS, value: Movie, key: ({ key }) => key });

/** The last record of a key is the movie. */
export const cleanMovies = (run: string) => topic(`${run}-clean`, { partitions: PARTITIONS, value: Movie, key: ({ key }) => key });

export const rejectedMovies = (run: string) => topic<Rejected>(`${run}-rejected`, { partitions: PARTITIONS, key: ({ id }) => id });

export function cleaners(broker: Broker, run: string): ConsumerGroup<RawMovie> {
	return broker.consumerGroup(`${run}-cleaners`, {
		topics: [rawMovies(run)],
		from: "earliest",
		sessionTimeoutMs: sessionTimeoutMs(broker),
	});
}

export function mergers(broker: Broker, run: string): ConsumerGroup<Movie> {
	return broker.consumerGroup(`${run}-mergers`, {
		topics: [parsedMovies(run)],
		from: "earliest",
		sessionTimeoutMs: sessionTimeoutMs(broker),
	});
}
