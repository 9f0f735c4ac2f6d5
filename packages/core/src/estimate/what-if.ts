// Pure: what more or fewer members or partitions would change.
import type { BacklogState, ChangedEstimate, Estimate, GroupChange, Measured, PartitionEstimate } from "../api/estimate.ts";

/**
 * What the estimate would be with another number of members or partitions, at the rates that were seen. Throws RangeError
 * for what cannot be: no member, fewer partitions than there are, fractions.
 */
export function whatIf(estimate: Estimate, change: GroupChange): ChangedEstimate {
	const before = estimate.partitions.length;
	const members = change.members === undefined ? estimate.members : atLeast("members", change.members, 1);
	const partitions = atLeast("partitions", change.partitions ?? before, before);
	const size = { members, partitions, idleMembers: Math.max(0, members - partitions) };
	const busy = Math.min(estimate.members, before);
	if (busy === 0 || !MEASURED.has(estimate.state)) return { ...size, state: "unknown", drainMs: undefined };
	// What one partition would get of its member, compared with now.
	const share = (Math.min(members, partitions) / partitions) * (before / busy);
	const arrivals = before / partitions;
	const drains = [1, share].map((speed) => drainOf(estimate.partitions, speed, arrivals));
	const likely = drains.map((drain) => drain.likely).filter(Number.isFinite);
	if (likely.length === 0) return { ...size, state: "growing", drainMs: undefined };
	const most = Math.max(...drains.map((drain) => drain.most));
	return {
		...size,
		state: most === 0 ? "caught-up" : "draining",
		drainMs: {
			likely: likely.reduce((sum, ms) => sum + ms, 0) / likely.length,
			least: Math.min(...drains.map((drain) => drain.least)),
			most: Number.isFinite(most) ? most : undefined,
		},
	};
}

/** In the other states there is no rate to start from. */
const MEASURED: ReadonlySet<BacklogState> = new Set(["draining", "growing", "caught-up"]);

interface Drain {
	readonly likely: number;
	readonly least: number;
	readonly most: number;
}

/** The slowest partition, with each at `speed` times its rate and `arrival` times its arrivals. `Infinity`: never. */
function drainOf(partitions: readonly PartitionEstimate[], speed: number, arrival: number): Drain {
	const times = partitions.map((partition) => drainOfOne(partition, speed, arrival));
	return {
		likely: Math.max(...times.map((time) => time.likely)),
		least: Math.max(...times.map((time) => time.least)),
		most: Math.max(...times.map((time) => time.most)),
	};
}

function drainOfOne(partition: PartitionEstimate, speed: number, arrivals: number): Drain {
	const { state, backlog, processing, arrival } = partition;
	// One that keeps up shows what arrives, not what it could do: slowed down, it may fall behind.
	if (state === "caught-up") return { likely: 0, least: 0, most: speed < 1 && (arrival?.likely ?? 0) > 0 ? Number.POSITIVE_INFINITY : 0 };
	const time = (rate: number) => (rate > 0 ? (Number(backlog ?? 0n) * 1000) / rate : Number.POSITIVE_INFINITY);
	const { likely: done, least: slowest, most: fastest = Number.POSITIVE_INFINITY } = processing ?? UNKNOWN;
	const { likely: came, least: fewest, most: mostCame = Number.POSITIVE_INFINITY } = arrival ?? UNKNOWN;
	return {
		likely: time(done * speed - came * arrivals),
		least: time(fastest * speed - fewest * arrivals),
		most: time(slowest * speed - mostCame * arrivals),
	};
}

const UNKNOWN: Measured = { likely: Number.NaN, least: Number.NaN, most: undefined };

function atLeast(what: string, value: number, least: number): number {
	if (!Number.isSafeInteger(value) || value < least)
		throw new RangeError(`${what} must be a whole number of at least ${least}, not ${value}`);
	return value;
}
