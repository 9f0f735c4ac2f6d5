// Pure: what the run has to show. Every claim is stated with its numbers, and holds or does not.
import type { Delays } from "./delays.ts";
import { PARTITIONS } from "./flights.ts";
import { type Forecast, forecastError } from "./forecast.ts";
import { duplicateBounds, inexcusable, type Kill } from "./handover.ts";
import type { Ledger } from "./ledger.ts";
import { SESSION_TIMEOUT_MS } from "./member.ts";
import { MARKS } from "./meter.ts";
import type { Source } from "./produce.ts";
import { seconds, whole } from "./progress.ts";

/** Session, two heartbeats, and 2 s: what the library promises. */
export const TAKEOVER_MS = SESSION_TIMEOUT_MS + 2 * (SESSION_TIMEOUT_MS / 3) + 2_000;

export interface Facts {
	readonly flights: number;
	readonly source: Source;
	readonly ledger: Ledger;
	readonly delays: Delays;
	readonly kill: Kill | undefined;
	/** From the kill to the first record by the new owner, by partition. */
	readonly takeoverMs: ReadonlyMap<number, number>;
	/** From the start of the new member to its first record, by partition. */
	readonly joinMs: ReadonlyMap<number, number>;
	readonly forecasts: readonly Forecast[];
	readonly startMs: number;
	readonly endMs: number;
	/** Of the group when all had left; `undefined`: unknown. */
	readonly lag: bigint | undefined;
}

export interface Claim {
	readonly holds: boolean;
	readonly text: string;
}

const indexes = Array.from({ length: PARTITIONS }, (_, index) => index);
const percent = (share: number) => `${Math.round(share * 100)} %`;
const hex = (checksum: number) => checksum.toString(16).padStart(13, "0");

export function claims(facts: Facts): Claim[] {
	return [...completeness(facts), ...duplicates(facts), ...handovers(facts), ...forecasts(facts)];
}

function completeness({ flights, source, ledger, lag }: Facts): Claim[] {
	const different = indexes.filter((index) => {
		const [sent, processed] = [source.tally.of(index), ledger.tally.of(index)];
		return sent.records !== processed.records || sent.checksum !== processed.checksum;
	});
	const disorder = indexes.reduce((sum, index) => sum + ledger.disorder(index), 0);
	return [
		{
			holds: source.tally.records === flights && source.unconfirmed === 0,
			text: `${whole(source.tally.records)} of ${whole(flights)} flights were confirmed by the broker, ${source.unconfirmed} not`,
		},
		{
			holds: ledger.tally.records === source.tally.records,
			text: `records in ${whole(source.tally.records)} = distinct records processed ${whole(ledger.tally.records)}`,
		},
		{
			holds: different.length === 0,
			text:
				different.length === 0
					? "count and checksum of every partition are the source's"
					: `count or checksum is not the source's in partition ${different.join(", ")}`,
		},
		{ holds: disorder === 0, text: `every partition was processed in the order it was sent: ${disorder} records out of order` },
		{ holds: lag === 0n, text: `everything is committed: lag ${lag ?? "unknown"}` },
	];
}

function duplicates({ ledger, kill }: Facts): Claim[] {
	const bounds = kill ? duplicateBounds(kill, ledger) : [];
	const most = bounds.reduce((sum, bound) => sum + bound.most, 0);
	const detail = bounds
		.map((bound) => `partition ${bound.partition}: ${bound.duplicates} of ${bound.most} from offset ${bound.committed} on`)
		.join(", ");
	const strange = inexcusable(ledger.duplicates, kill).length;
	return [
		{
			holds: ledger.duplicates.length <= most && bounds.every((bound) => bound.duplicates <= bound.most),
			text: `${whole(ledger.duplicates.length)} duplicates, of at most ${whole(most)} that ${kill?.member ?? "nobody"} had been given and not committed${detail && ` (${detail})`}`,
		},
		{ holds: strange === 0, text: `${strange} duplicates from elsewhere: other partitions, below the committed offset, or stored twice` },
	];
}

function handovers({ kill, takeoverMs, joinMs }: Facts): Claim[] {
	const missing = kill?.partitions.filter((partition) => !takeoverMs.has(partition)) ?? [];
	const slowest = Math.max(0, ...takeoverMs.values());
	return [
		{
			holds: kill !== undefined && kill.partitions.length > 0 && missing.length === 0 && slowest <= TAKEOVER_MS,
			text: kill
				? `killed → first record by the new owner: ${times(takeoverMs)} (promised: ${seconds(TAKEOVER_MS)})${missing.length > 0 ? `; never: partition ${missing.join(", ")}` : ""}`
				: "no member was killed",
		},
		{ holds: joinMs.size > 0, text: joinMs.size > 0 ? `joined → first record: ${times(joinMs)}` : "no new member got a partition" },
	];
}

function forecasts({ forecasts: made }: Facts): Claim[] {
	const shares = made.map(({ share }) => percent(share)).join(", ");
	return [{ holds: made.length === MARKS.length, text: `the processing time was forecast at ${shares || "no point"}` }];
}

function times(byPartition: ReadonlyMap<number, number>): string {
	if (byPartition.size === 0) return "-";
	const each = [...byPartition].sort(([a], [b]) => a - b).map(([partition, ms]) => `partition ${partition} ${seconds(ms)}`);
	return `${seconds(Math.max(...byPartition.values()))} at most (${each.join(", ")})`;
}

export function reportLines(facts: Facts, checked: readonly Claim[]): string[] {
	return [
		"",
		...partitionTable(facts),
		"",
		...forecastTable(facts),
		"",
		...finding(facts),
		"",
		...checked.map(({ holds, text }) => `${holds ? "ok    " : "FAILED"} ${text}`),
	];
}

function partitionTable({ source, ledger }: Facts): string[] {
	return [
		"partition      sent  processed  checksum sent  checksum processed",
		...indexes.map((index) => {
			const [sent, processed] = [source.tally.of(index), ledger.tally.of(index)];
			return [
				String(index).padStart(9),
				whole(sent.records).padStart(8),
				whole(processed.records).padStart(9),
				hex(sent.checksum),
				hex(processed.checksum),
			].join("  ");
		}),
	];
}

function forecastTable({ forecasts: made, startMs, endMs, kill }: Facts): string[] {
	const lines = made.map((forecast) => {
		const error = forecastError(forecast, endMs);
		const columns = [
			percent(forecast.share).padStart(5),
			`${forecast.seconds.toFixed(1)} s`.padStart(9),
			seconds(endMs - forecast.atMs).padStart(8),
			error === undefined ? "" : `${error > 0 ? "+" : ""}${error.toFixed(0)} %`.padStart(6),
		];
		return `${columns.join("  ")}${kill && forecast.atMs < kill.atMs ? "   (made before the kill)" : ""}`;
	});
	return [
		`processing time = data size / processing rate; ${seconds(endMs - startMs)} in all`,
		"   at  forecast      took   error",
		...lines,
	];
}

function finding({ delays }: Facts): string[] {
	const ranking = delays.ranking();
	const [best, worst] = [ranking[0], ranking.at(-1)];
	const text = ({ hour, averageMinutes }: { hour: number; averageMinutes: number }) => `${hour} h ${averageMinutes.toFixed(1)} min`;
	return best && worst ? [`what the flights say: average delay at ${text(best)}, at ${text(worst)}`] : [];
}
