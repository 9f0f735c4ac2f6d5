// The same totals in one pass of SQL over the file, without any broker: what the group's are compared with.
import { DuckDBInstance } from "@duckdb/node-api";
import { flightsTable } from "./flights.ts";
import { DIMENSIONS, type Dimension, type Sum, type Totals } from "./totals.ts";

const CELLS: Readonly<Record<Dimension, string>> = {
	hour: "strftime(date, '%H')",
	distance: "(distance // 250 * 250)::VARCHAR",
	day: "strftime(date, '%Y-%m-%d')",
	origin: "origin",
};

export async function totalsInOnePass(every: number): Promise<Totals["sums"]> {
	const connection = await (await DuckDBInstance.create(":memory:")).connect();
	try {
		const entries = DIMENSIONS.map(async (dimension) => {
			const result = await connection.runAndReadAll(
				`SELECT ${CELLS[dimension]} AS cell, count(*)::INT AS flights, count(*) FILTER (delay > 15)::INT AS late, sum(delay)::INT AS delay
				FROM ${flightsTable(every)} GROUP BY cell`,
			);
			const rows = result.getRowObjectsJS() as unknown as (Sum & { readonly cell: string })[];
			return [dimension, Object.fromEntries(rows.map(({ cell, ...sum }) => [cell, sum]))] as const;
		});
		return Object.fromEntries(await Promise.all(entries)) as Totals["sums"];
	} finally {
		connection.closeSync();
	}
}
