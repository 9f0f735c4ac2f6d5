import { describe, expect, it } from "vitest";
import type { Flight } from "./flights.ts";
import { predictionErrors } from "./recorder.ts";
import { findings } from "./tables.ts";
import { addFlights, NO_TOTALS, together } from "./totals.ts";

const flight = (row: number, change: Partial<Flight> = {}): Flight => ({
	row,
	origin: row % 2 === 0 ? "SEA" : "JFK",
	destination: "ORD",
	date: "2001-02-03 08:15",
	delay: row * 10 - 20,
	distance: 260,
	...change,
});
const flights = Array.from({ length: 10 }, (_, row) => flight(row));

describe("totals", () => {
	it("sum by hour, distance, day and airport", () => {
		expect(addFlights(NO_TOTALS, [flight(1), flight(5)]).sums).toEqual({
			hour: { "08": { flights: 2, late: 1, delay: 20 } },
			distance: { "250": { flights: 2, late: 1, delay: 20 } },
			day: { "2001-02-03": { flights: 2, late: 1, delay: 20 } },
			origin: { JFK: { flights: 2, late: 1, delay: 20 } },
		});
	});

	it("are the same however the flights are cut into batches, and count a row that comes again once", () => {
		const atOnce = addFlights(NO_TOTALS, flights);
		for (const cut of [1, 4, 9]) {
			const before = addFlights(NO_TOTALS, flights.slice(0, cut));
			expect(addFlights(before, flights.slice(Math.max(0, cut - 2)))).toEqual(atOnce);
		}
	});

	it("leave the totals before as they were, since a batch may be tried again", () => {
		const before = addFlights(NO_TOTALS, flights.slice(0, 3));
		const copy = structuredClone(before);
		addFlights(before, flights);
		expect(before).toEqual(copy);
	});

	it("of partitions add up to those of all", () => {
		const parts = ["SEA", "JFK"].map((origin) =>
			addFlights(
				NO_TOTALS,
				flights.filter((one) => one.origin === origin),
			),
		);
		expect(together(parts)).toEqual(addFlights(NO_TOTALS, flights).sums);
	});
});

describe("findings", () => {
	it("are means, and leave out what is too rare to tell", async () => {
		const many = Array.from({ length: 999 }, (_, row) => flight(row, { delay: 10 }));
		const { sums } = addFlights(NO_TOTALS, [...many, flight(999, { date: "2001-02-03 03:00", delay: 500 })]);
		const { byHour, byDistance } = await findings(sums);
		expect(byHour).toEqual([{ cell: "08", flights: 999, delay: 10, late: 0 }]);
		expect(byDistance).toMatchObject([{ cell: "250", flights: 1_000 }]);
	});
});

describe("the error of predictions", () => {
	it("is a share of what it really took, and none where nothing was predicted", () => {
		const moment = (at: number, likely?: number) => ({
			at,
			perSecond: 1,
			lag: 1,
			members: [],
			predicted: likely === undefined ? undefined : { likely, least: likely, most: likely },
		});
		expect(predictionErrors([moment(0), moment(2, 4), moment(5, 10), moment(10, 1)])).toEqual([-50, 100]);
	});
});
