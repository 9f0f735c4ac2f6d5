// Pure: what the application is there for: how late flights are, by the hour of their departure.
import type { Line } from "./ledger.ts";

export interface HourlyDelay {
	readonly hour: number;
	readonly flights: number;
	readonly averageMinutes: number;
}

export class Delays {
	readonly #hours = Array.from({ length: 24 }, () => ({ flights: 0, minutes: 0 }));

	add({ hour, delay }: Line): void {
		const total = this.#hours[hour];
		if (!total) throw new RangeError(`a day has no hour ${hour}`);
		total.flights++;
		total.minutes += delay;
	}

	/** Hours of at least `least` flights, the most punctual first. */
	ranking(least = 1000): HourlyDelay[] {
		return this.#hours
			.map(({ flights, minutes }, hour) => ({ hour, flights, averageMinutes: minutes / flights }))
			.filter(({ flights }) => flights >= least)
			.sort((a, b) => a.averageMinutes - b.averageMinutes);
	}
}
