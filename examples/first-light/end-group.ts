// Leaves nothing behind on the broker.
import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, isPolylogError } from "@polylog/core";
import { flightsGroup, type Names, SESSION_TIMEOUT_MS } from "./member.ts";

const RETRY_MS = 250;

/** Deletes the group, waiting for a killed member's session to end. */
export async function endGroup(broker: Broker, names: Names): Promise<void> {
	const deadline = performance.now() + 3 * SESSION_TIMEOUT_MS;
	for (;;) {
		try {
			return await flightsGroup(broker, names).delete();
		} catch (error) {
			if (isPolylogError(error, "GROUP_NOT_FOUND")) return;
			if (!isPolylogError(error, "GROUP_ACTIVE") || performance.now() > deadline) throw error;
			await sleep(RETRY_MS);
		}
	}
}
