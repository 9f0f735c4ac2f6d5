// Watches a group from outside until it has processed everything, as an operator would: nothing here joins it.
import { setTimeout as sleep } from "node:timers/promises";
import { type ConsumerGroup, type Estimate, type GroupDescription, isPolylogError } from "@polylog/core";
import { type Screen, seconds, whole } from "./screen.ts";

const EVERY_MS = 250;
const WATCH_MS = 750;

/** What was seen at one moment. */
export interface Look {
	readonly atMs: number;
	/** Messages processed, of those that are in the log now. */
	readonly processed: number;
	/** `undefined`: unknown. */
	readonly backlog: number | undefined;
	readonly estimate: Estimate;
	readonly members: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

export interface WatchOptions {
	readonly screen: Screen;
	readonly signal: AbortSignal;
	/** How many messages there will be. Default: those that are in the log. */
	readonly total?: number;
	readonly onLook?: (look: Look) => Promise<void> | void;
}

/** Resolves when the group has committed everything that is in the log. */
export async function untilProcessed<T>(group: ConsumerGroup<T>, options: WatchOptions): Promise<void> {
	const { screen, signal, total, onLook } = options;
	for (;;) {
		const look = await lookAt(group, signal);
		if (look) {
			await onLook?.(look);
			screen.progress(lineOf(group.name, look, total ?? look.processed + (look.backlog ?? 0)));
			if (look.backlog === 0) return;
		}
		await sleep(EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
	}
}

/** `undefined`: the broker cannot tell now, or the group is only about to come into being. */
async function lookAt<T>(group: ConsumerGroup<T>, signal: AbortSignal): Promise<Look | undefined> {
	try {
		const [estimate, { members }, { partitions }] = await Promise.all([
			group.estimate({ watchMs: WATCH_MS, signal }),
			group.describe(),
			group.lag(),
		]);
		const processed = partitions.reduce((sum, { committed, earliest }) => sum + Number((committed ?? earliest) - earliest), 0);
		const lags = partitions.map(({ lag }) => lag);
		return {
			atMs: performance.now(),
			processed,
			backlog: lags.includes(undefined) ? undefined : Number(lags.reduce((sum: bigint, lag) => sum + (lag ?? 0n), 0n)),
			estimate,
			members: namesOf(members),
		};
	} catch (error) {
		signal.throwIfAborted();
		if (isPolylogError(error, "GROUP_NOT_FOUND") || (isPolylogError(error) && error.retryable)) return undefined;
		throw error;
	}
}

function namesOf(members: GroupDescription["members"]): Look["members"] {
	return members
		.map(({ clientId, partitions }) => ({
			name: clientId,
			partitions: partitions.map(({ partition }) => partition.index).sort((a, b) => a - b),
		}))
		.sort((a, b) => a.name.localeCompare(b.name));
}

function lineOf(group: string, { processed, backlog, estimate, members }: Look, total: number): string {
	const owners = members.map(({ name, partitions }) => `${name}: ${partitions.join(" ") || "-"}`).join(" | ");
	const { processing, drainMs, state } = estimate;
	return [
		group,
		`${whole(Math.min(100, (100 * processed) / Math.max(1, total)))} %`.padStart(5),
		owners,
		`${processing ? whole(processing.likely) : "?"}/s`,
		`lag ${backlog === undefined ? "?" : whole(backlog)}`,
		drainMs ? `left ${seconds(drainMs.likely)}` : state,
	].join("  ");
}
