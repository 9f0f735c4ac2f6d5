// Pure: what the samples of one partition say of its backlog.
import type { BacklogState, Measured, PartitionEstimate } from "../api/estimate.ts";
import type { Partition } from "../partition.ts";
import { type Rate, rateOf, restingSinceMs, restMs, stepsOf } from "./rate.ts";
import { type GroupSample, type PartitionSample, type Track, trackOf } from "./samples.ts";

/** A group that is so far behind keeps up: commits come in steps, by default of a second. */
const KEEPS_UP_MS = 2_500;

const NOTHING: Measured = { likely: 0, least: 0, most: 0 };

/** Bytes that a message of the partition has on average; `undefined`: unknown. */
export type BytesPerMessage = (partition: PartitionSample) => number | undefined;

/** `watchMs` is how long a group must have been watched before it is judged. */
export function partitionEstimate(
	samples: readonly GroupSample[],
	partition: Partition,
	watchMs: number,
	bytesPerMessage: BytesPerMessage,
): PartitionEstimate | undefined {
	const track = trackOf(samples, partition);
	if (!track) return undefined;
	const { latest } = track;
	const density = densityOf(latest);
	const distance = latest.position === undefined || latest.position > latest.end ? undefined : latest.end - latest.position;
	const backlog = distance === undefined ? undefined : backlogOf(distance, latest);
	const watched = watchedMs(track) >= watchMs;
	const arrival = watched ? rateOf(track.ends) : undefined;
	const processing = watched ? rateOf(track.positions) : undefined;
	const state = stateOf(track, distance, arrival, processing);
	const bytes = backlog === 0n ? 0 : bytesPerMessage(latest);
	return {
		partition,
		state,
		owner: latest.owner,
		backlog,
		backlogBytes: backlog === undefined || bytes === undefined ? undefined : Math.round(Number(backlog) * bytes),
		arrival: arrival && scaled(arrival, density),
		processing: processing && scaled(processing, density),
		drainMs: drainOf(state, distance, arrival, processing),
	};
}

function stateOf(track: Track, distance: bigint | undefined, arrival: Rate | undefined, processing: Rate | undefined): BacklogState {
	if (distance === undefined) return "unknown";
	if (distance === 0n) return "caught-up";
	if (track.latest.owner === undefined) return "idle";
	if (!arrival || !processing) return "unknown";
	if (keepsUp(track, distance, processing)) return "caught-up";
	// That it has just arrived is no reason to call it stalled.
	if (processing.likely === 0) return waitsForLong(track) ? "stalled" : "unknown";
	return processing.likely > arrival.likely ? "draining" : "growing";
}

/** Whether everything that is left arrived a moment ago, and is no more than is processed in a moment. */
function keepsUp({ latest, ends }: Track, distance: bigint, processing: Rate): boolean {
	const { position } = latest;
	const nowMs = ends.at(-1)?.atMs ?? 0;
	const allIsNew = ends.some(({ atMs, count }) => position !== undefined && count <= position && nowMs - atMs <= KEEPS_UP_MS);
	return allIsNew && Number(distance) <= (processing.most * KEEPS_UP_MS) / 1000;
}

/** Whether the position has rested, with something to do, for longer than its steps are apart. */
function waitsForLong({ latest, positions, ends }: Track): boolean {
	const nowMs = positions.at(-1)?.atMs ?? 0;
	const restingMs = nowMs - (restingSinceMs(positions) ?? nowMs);
	const waitingSinceMs = ends.find(({ count }) => latest.position !== undefined && count > latest.position)?.atMs ?? nowMs;
	return Math.min(restingMs, nowMs - waitingSinceMs) >= restMs(stepsOf(positions), positions[0]?.atMs ?? nowMs);
}

function drainOf(
	state: BacklogState,
	distance: bigint | undefined,
	arrival: Rate | undefined,
	processing: Rate | undefined,
): Measured | undefined {
	if (state === "caught-up") return NOTHING;
	if (state !== "draining" || distance === undefined || !arrival || !processing) return undefined;
	const left = Number(distance) * 1000;
	const slowest = processing.least - arrival.most;
	return {
		likely: left / (processing.likely - arrival.likely),
		least: left / (processing.most - arrival.least),
		most: slowest > 0 ? left / slowest : undefined,
	};
}

function watchedMs({ positions, ends }: Track): number {
	const nowMs = ends.at(-1)?.atMs ?? 0;
	return nowMs - Math.max(ends[0]?.atMs ?? nowMs, positions[0]?.atMs ?? nowMs);
}

function backlogOf(distance: bigint, { records }: PartitionSample): bigint {
	return records !== undefined && records > 0 && BigInt(records) < distance ? BigInt(records) : distance;
}

/** Messages per offset: offsets may have gaps. 1 where nobody can tell. */
function densityOf({ records, earliest, end }: PartitionSample): number {
	return records === undefined || records <= 0 || end <= earliest ? 1 : Math.min(1, records / Number(end - earliest));
}

function scaled({ likely, least, most }: Rate, density: number): Measured {
	return { likely: likely * density, least: least * density, most: most * density };
}
