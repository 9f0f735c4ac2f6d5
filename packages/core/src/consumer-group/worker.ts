// What every way of working a lane shares.
import { type Clock, sleep } from "../clock.ts";
import type { Held } from "./offset-tracker.ts";
import type { PartitionLane } from "./partition-lane.ts";
import type { Slots } from "./slots.ts";

export interface WorkerParts {
	readonly lane: PartitionLane;
	readonly slots: Slots;
	readonly clock: Clock;
	/** Whether the run this worker belongs to is over; every lane's bell rings when it turns true. */
	readonly stopped: () => boolean;
}

/** How often the lease is asked again while it forbids new work. */
export const LEASE_POLL_MS = 20;

/**
 * For a record that was taken a while ago (slow decoding, back-off): whether it may start at this very moment. Waits out
 * a lease that does not hold; false once the record is not this lane's to handle any more.
 */
export async function mayStart(lane: PartitionLane, held: Held, clock: Clock): Promise<boolean> {
	while (lane.isLive(held)) {
		if (lane.mayDispatch(lane.state === "revoking")) return true;
		if (lane.halt.aborted) return false;
		await sleep(clock, LEASE_POLL_MS);
	}
	return false;
}

/** Waits until the lane has something to take; false when the lane or the run is over. */
export async function awaitWork({ lane, clock, stopped }: WorkerParts): Promise<boolean> {
	while (!stopped() && lane.state !== "ended" && lane.state !== "revoking") {
		if (!lane.ready) await lane.changed.wait();
		else if (lane.mayDispatch()) return true;
		else await sleep(clock, LEASE_POLL_MS);
	}
	return false;
}
