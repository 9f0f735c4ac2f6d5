// The data: flights of half a year, every Nth of three million, in the order of the file, which is that of their departure.
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { topic } from "@polylog/core";

export interface Flight {
	/** In the file. Rises within a partition, so that a row that was sent twice is known. */
	readonly row: number;
	readonly origin: string;
	readonly destination: string;
	/** Of departure, local: "2001-01-31 23:59". */
	readonly date: string;
	/** In minutes; negative: early. */
	readonly delay: number;
	/** In miles. */
	readonly distance: number;
}

export const PARTITIONS = 8;

/** Flights of one airport keep their order. */
export const flightsTopic = (run: string) => topic<Flight>(`${run}-flights`, { partitions: PARTITIONS, key: ({ origin }) => origin });

const FILE = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));

/** A table in SQL: `SELECT … FROM ${flightsTable(10)}`. */
export const flightsTable = (every: number) => `(
	SELECT file_row_number AS row, origin, destination, date, delay, distance
	FROM read_parquet('${FILE.replaceAll("'", "''")}', file_row_number = true)
	WHERE file_row_number % ${every} = 0)`;

export async function loadFlights(every: number): Promise<Flight[]> {
	const connection = await (await DuckDBInstance.create(":memory:")).connect();
	try {
		const result = await connection.runAndReadAll(
			`SELECT row::INT AS row, origin, destination, strftime(date, '%Y-%m-%d %H:%M') AS date, delay::INT AS delay, distance::INT AS distance
			FROM ${flightsTable(every)} ORDER BY row`,
		);
		return result.getRowObjectsJS() as unknown as Flight[];
	} finally {
		connection.closeSync();
	}
}
