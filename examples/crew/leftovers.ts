// Leaves nothing behind on the broker when the job is done.
import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, isPolylogError } from "@polylog/core";
import { sessionTimeoutMs } from "./stage.ts";

const RETRY_MS = 250;

/** Deletes the groups and topics, waiting for a killed member's session to end. */
export async function removeAll(
	broker: Broker,
	names: { readonly groups: readonly string[]; readonly topics: readonly string[] },
): Promise<void> {
	for (const group of names.groups) await endGroup(broker, group);
	for (const topic of names.topics) await broker.topics.delete(topic).catch(unless("TOPIC_NOT_FOUND"));
}

async function endGroup(broker: Broker, name: string): Promise<void> {
	const deadline = performance.now() + 3 * sessionTimeoutMs(broker);
	const group = broker.consumerGroup(name, { topics: [{ name: "any", definition: {} }], from: "earliest" });
	for (;;) {
		try {
			return await group.delete();
		} catch (error) {
			if (isPolylogError(error, "GROUP_NOT_FOUND")) return;
			if (!isPolylogError(error, "GROUP_ACTIVE") || performance.now() > deadline) throw error;
			await sleep(RETRY_MS);
		}
	}
}

function unless(code: "TOPIC_NOT_FOUND") {
	return (error: unknown) => {
		if (!isPolylogError(error, code)) throw error;
	};
}
