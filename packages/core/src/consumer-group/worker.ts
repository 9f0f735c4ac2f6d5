// What every way of working a lane shares.
import { type Clock, sleep } from "../clock.ts";
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

/** Waits until the lane has something to take; false when the lane or the run is over. */
export async function awaitWork({ lane, clock, stopped }: WorkerParts): Promise<boolean> {
	while (!stopped() && lane.state !== "ended" && lane.state !== "revoking") {
		if (!lane.ready) await lane.changed.wait();
		else if (lane.mayDispatch()) return true;
		else await sleep(clock, LEASE_POLL_MS);
	}
	return false;
}
