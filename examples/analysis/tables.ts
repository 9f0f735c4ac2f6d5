// The group's totals as tables of DuckDB, and what is asked of them.
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { DIMENSIONS, type Totals } from "./totals.ts";

/** A cell of a chart: a mean over its flights. */
export interface Mean {
	readonly cell: string;
	readonly flights: number;
	/** In minutes. */
	readonly delay: number;
	/** In percent. */
	readonly late: number;
}

export interface Findings {
	readonly byHour: readonly Mean[];
	readonly byDistance: readonly Mean[];
	readonly byDay: readonly Mean[];
	/** The airports with the most delay, of those that see enough flights to tell. */
	readonly worstAirports: readonly Mean[];
}

/** An hour or an airport needs one in 500 of all flights: of fewer, the mean is chance. */
const RANKED = "flights > 0.002 * (SELECT sum(flights) FROM totals WHERE dimension = 'hour')";
const WORST = 12;

export async function findings(sums: Totals["sums"]): Promise<Findings> {
	const connection = await (await DuckDBInstance.create(":memory:")).connect();
	try {
		await fill(connection, sums);
		return {
			byHour: await means(connection, `WHERE dimension = 'hour' AND ${RANKED} ORDER BY cell`),
			// Beyond 2,750 miles there are few flights, and few places.
			byDistance: await means(connection, "WHERE dimension = 'distance' AND cell::INT < 2750 ORDER BY cell::INT"),
			byDay: await means(connection, "WHERE dimension = 'day' ORDER BY cell"),
			worstAirports: await means(
				connection,
				`WHERE dimension = 'origin' AND ${RANKED} ORDER BY totals.delay / flights DESC, cell LIMIT ${WORST}`,
			),
		};
	} finally {
		connection.closeSync();
	}
}

async function fill(connection: DuckDBConnection, sums: Totals["sums"]): Promise<void> {
	await connection.run("CREATE TABLE totals (dimension VARCHAR, cell VARCHAR, flights INT, late INT, delay INT)");
	const appender = await connection.createAppender("totals");
	for (const dimension of DIMENSIONS) {
		for (const [cell, { flights, late, delay }] of Object.entries(sums[dimension])) {
			appender.appendVarchar(dimension);
			appender.appendVarchar(cell);
			for (const value of [flights, late, delay]) appender.appendInteger(value);
			appender.endRow();
		}
	}
	appender.closeSync();
}

async function means(connection: DuckDBConnection, rest: string): Promise<Mean[]> {
	const result = await connection.runAndReadAll(
		`SELECT cell, flights, round(delay / flights, 2) AS delay, round(100.0 * late / flights, 2)::DOUBLE AS late FROM totals ${rest}`,
	);
	return result.getRowObjectsJS() as unknown as Mean[];
}
