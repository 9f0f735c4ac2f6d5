// Pure: dates in three notations, and years that were read in the wrong century.

export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The data was collected in 2010: what is to come out years later is a two-digit year that was read wrongly. */
const LAST_YEAR = 2011;

const NOTATIONS: readonly {
	readonly pattern: RegExp;
	readonly parts: (match: RegExpExecArray) => readonly [year: number, month: number, day: number];
}[] = [
	{
		pattern: /^([A-Z][a-z]{2}) (\d{1,2}) (\d{4})$/,
		parts: ([, month = "", day, year]) => [Number(year), MONTHS.indexOf(month) + 1, Number(day)],
	},
	{ pattern: /^(\d{4})-(\d{2})-(\d{2})$/, parts: ([, year, month, day]) => [Number(year), Number(month), Number(day)] },
	{ pattern: /^(\d{2})\/(\d{2})\/(\d{4})$/, parts: ([, month, day, year]) => [Number(year), Number(month), Number(day)] },
];

/** ISO 8601; `undefined`: no date. */
export function parseDate(text: string): string | undefined {
	for (const { pattern, parts } of NOTATIONS) {
		const match = pattern.exec(text);
		if (!match) continue;
		const [year, month, day] = parts(match);
		const date = new Date(Date.UTC(year, month - 1, day));
		// 31 June would become 1 July.
		return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.toISOString().slice(0, 10) : undefined;
	}
	return undefined;
}

/** The same day in the century it was in. */
export function rightCentury(date: string): string {
	const year = Number(date.slice(0, 4));
	return year > LAST_YEAR ? `${year - 100}${date.slice(4)}` : date;
}
