import { describe, expect, it } from "vitest";
import { flightHash, loadFlights } from "./flights.ts";

describe("the flights", () => {
	it("are 200,000 rows, each with its number as id", async () => {
		const flights = await loadFlights();
		expect(flights).toHaveLength(200_000);
		expect(flights[0]).toEqual({ id: 0, delay: 0, distance: 1452, time: 0 });
		expect(flights.every(({ id }, row) => id === row)).toBe(true);
	});
});

describe("the hash of a flight", () => {
	const flight = { id: 7, delay: -3, distance: 337, time: 23.983333333333334 };

	it("survives JSON", () => {
		expect(flightHash(JSON.parse(JSON.stringify(flight)) as typeof flight)).toBe(flightHash(flight));
	});

	it.each([{ id: 8 }, { delay: 3 }, { distance: 338 }, { time: 23.98 }])("is another one for %o", (change) => {
		expect(flightHash({ ...flight, ...change })).not.toBe(flightHash(flight));
	});
});
