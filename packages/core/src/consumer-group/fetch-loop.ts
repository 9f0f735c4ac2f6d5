// Fills one lane from the log while there is room. Not asking is pausing.
import type { Backend } from "../backend.ts";
import { partitionContext } from "../partition-context.ts";
import type { Reader } from "../driver/driver.ts";
import { isPolylogError, type PolylogError } from "../errors.ts";
import { persevere } from "../patience.ts";
import type { PartitionLane } from "./partition-lane.ts";

export interface FetchLoopEvents {
	/** The position is not in the log: the member's policy decides. */
	outOfRange(lane: PartitionLane, error: PolylogError): Promise<void>;
	/** Reading failed for a reason that does not pass. */
	failed(lane: PartitionLane, error: PolylogError): void;
}

/** Runs until the lane ends or is given up. `first` is a reader that stands at the lane's position already. */
export async function fetchLoop(lane: PartitionLane, backend: Backend, events: FetchLoopEvents, first?: Reader): Promise<void> {
	let reader = first;
	let epoch = lane.epoch;
	while (lane.state !== "ended" && lane.state !== "revoking") {
		if (epoch !== lane.epoch) {
			await closeReader(reader);
			reader = undefined;
			epoch = lane.epoch;
		}
		const credit = lane.credit();
		if (!credit || lane.position === undefined) {
			await lane.changed.wait();
			continue;
		}
		reader ??= backend.driver.openReader(lane.partition, lane.position);
		try {
			const open = reader;
			const fetch = () => backend.attempt(`reading ${lane.key}`, () => open.fetch(credit, lane.halt), partitionContext(lane.partition));
			const records = await persevere(fetch, { clock: backend.clock, random: backend.random, signal: lane.halt });
			// A reader that comes back empty at once must not keep the event loop from everything else.
			if (records.length === 0) await backend.clock.yield();
			lane.offer(records, open.position, epoch);
		} catch (error) {
			if (lane.halt.aborted || epoch !== lane.epoch || !isPolylogError(error)) continue;
			if (error.code === "OFFSET_OUT_OF_RANGE") await events.outOfRange(lane, error);
			else events.failed(lane, error);
		}
	}
	await closeReader(reader);
}

async function closeReader(reader: Reader | undefined): Promise<void> {
	// A reader that cannot even be closed is let go: its connection is the driver's to mend.
	await reader?.close().catch(() => {});
}
