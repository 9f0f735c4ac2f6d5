// Pure: the estimate of a group from those of its partitions. The slowest decides.
import type { BacklogState, Estimate, Measured, PartitionEstimate } from "../api/estimate.ts";
import { type BytesPerMessage, partitionEstimate } from "./partition-estimate.ts";
import type { GroupSample } from "./samples.ts";

/** The first that any partition has is the group's. */
const WORST_FIRST: readonly BacklogState[] = ["stalled", "growing", "idle", "unknown", "draining", "caught-up"];

export interface EstimateRequest {
	readonly group: string;
	/** In the order of time. */
	readonly samples: readonly GroupSample[];
	readonly watchMs: number;
	readonly bytesPerMessage: BytesPerMessage;
}

export function groupEstimate({ group, samples, watchMs, bytesPerMessage }: EstimateRequest): Estimate {
	const latest = samples.at(-1);
	const partitions = [...(latest?.partitions.keys() ?? [])]
		.map((partition) => partitionEstimate(samples, partition, watchMs, bytesPerMessage))
		.filter((partition) => partition !== undefined);
	const state = WORST_FIRST.find((worst) => partitions.some((partition) => partition.state === worst)) ?? "unknown";
	return {
		group,
		state,
		backlog: sumOf(
			partitions,
			({ backlog }) => backlog,
			0n,
			(a, b) => a + b,
		),
		backlogBytes: sumOf(
			partitions,
			({ backlogBytes }) => backlogBytes,
			0,
			(a, b) => a + b,
		),
		arrival: sumOf(partitions, ({ arrival }) => arrival, NOTHING, together),
		processing: sumOf(partitions, ({ processing }) => processing, NOTHING, together),
		drainMs: state === "draining" || state === "caught-up" ? drainOf(partitions) : undefined,
		slowest: state === "caught-up" ? undefined : slowestOf(partitions, state)?.partition,
		members: latest?.members ?? 0,
		watchedMs: (latest?.atMs ?? 0) - (samples[0]?.atMs ?? 0),
		partitions,
	};
}

const NOTHING: Measured = { likely: 0, least: 0, most: 0 };

/** `undefined` as soon as one is, and for none at all. */
function sumOf<T>(
	partitions: readonly PartitionEstimate[],
	of: (partition: PartitionEstimate) => T | undefined,
	nothing: T,
	add: (a: T, b: T) => T,
): T | undefined {
	if (partitions.length === 0) return undefined;
	return partitions.reduce<T | undefined>((sum, partition) => {
		const value = of(partition);
		return sum === undefined || value === undefined ? undefined : add(sum, value);
	}, nothing);
}

function together(a: Measured, b: Measured): Measured {
	return {
		likely: a.likely + b.likely,
		least: a.least + b.least,
		most: a.most === undefined || b.most === undefined ? undefined : a.most + b.most,
	};
}

function slowestOf(partitions: readonly PartitionEstimate[], state: BacklogState): PartitionEstimate | undefined {
	const time = ({ drainMs, backlog }: PartitionEstimate) => drainMs?.likely ?? Number(backlog ?? 0n);
	return partitions
		.filter((partition) => partition.state === state)
		.reduce<PartitionEstimate | undefined>((slowest, next) => (slowest && time(slowest) >= time(next) ? slowest : next), undefined);
}

function drainOf(partitions: readonly PartitionEstimate[]): Measured {
	const times = partitions.map(({ drainMs }) => drainMs ?? NOTHING);
	const likely = Math.max(...times.map((time) => time.likely));
	const most = times.map((time) => time.most);
	return {
		likely,
		least: Math.min(Math.max(...times.map((time) => time.least)), sharedMs(partitions) ?? likely),
		most: most.includes(undefined) ? undefined : Math.max(...most.map((ms) => ms ?? 0)),
	};
}

/** How long the slowest member takes if its partitions share its whole speed until the last is done. */
function sharedMs(partitions: readonly PartitionEstimate[]): number | undefined {
	let slowest = 0;
	for (const owned of Map.groupBy(partitions, ({ owner }) => owner).values()) {
		const draining = owned.filter(({ state }) => state === "draining");
		if (draining.length === 0) continue;
		const left = draining.reduce((sum, { backlog }) => sum + Number(backlog ?? 0n), 0);
		// A partition that has caught up takes what it gets, and no more.
		const speed = draining.reduce((sum, { processing, arrival }) => sum + (processing?.most ?? 0) - (arrival?.least ?? 0), 0);
		if (speed <= 0) return undefined;
		slowest = Math.max(slowest, (left * 1000) / speed);
	}
	return slowest;
}
