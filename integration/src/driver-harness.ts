// What tests of every adapter's driver need: a driver made as core makes it, and short ways to read.
import { type Adapter, type Driver, type DriverContext, type Log, type RawRecord, type Reader } from "@polylog/core/driver";
import { parseBackendUrl, systemClock, systemRandom } from "@polylog/core/testing";

export const CREDIT = { records: 500, bytes: 1_000_000 };

export class LoggedLines implements Log {
	readonly lines: string[] = [];
	info(message: string): void {
		this.lines.push(`info ${message}`);
	}
	warn(message: string): void {
		this.lines.push(`warn ${message}`);
	}
	error(message: string): void {
		this.lines.push(`error ${message}`);
	}
}

export function driverContext(log: Log = new LoggedLines()): DriverContext {
	return { clock: systemClock, random: systemRandom, log, clientId: "test" };
}

/** A driver that is not connected yet. */
export function createDriver(adapter: Adapter, url: string, options: object = {}, log?: Log): Driver {
	return adapter.create({ url: parseBackendUrl(url), options: { ...options } }, driverContext(log));
}

let names = 0;
/** A name no other test has, also on a broker that several runs share. */
export function uniqueName(stem: string): string {
	names += 1;
	return `${stem}-${process.pid}-${Date.now().toString(36)}-${names}`;
}

export function textOf(raw: RawRecord): string {
	return raw.value === null ? "(tombstone)" : Buffer.from(raw.value).toString();
}

/** Fetches until `count` records are there. */
export async function take(reader: Reader, count: number, credit = CREDIT): Promise<RawRecord[]> {
	const taken: RawRecord[] = [];
	while (taken.length < count) taken.push(...(await reader.fetch({ ...credit, records: Math.min(credit.records, count - taken.length) })));
	return taken;
}

/** The shortest of three rounds, each of which tells what it took: one may have met a busy moment of the machine. */
export async function quickestOfThree(round: (index: number) => Promise<number>): Promise<number> {
	let least = Number.POSITIVE_INFINITY;
	for (let index = 0; index < 3; index++) least = Math.min(least, await round(index));
	return least;
}
