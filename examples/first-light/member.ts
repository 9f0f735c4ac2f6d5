// The consuming side: what one member of the group does. The same in this process and in one of its own.
import type { Broker, Member, Message } from "@polylog/core";
import { type Flight, flightHash, flightsTopic } from "./flights.ts";
import type { Line, WrittenBatch } from "./ledger.ts";

/** Short, so that the group notices a killed member soon; a Kafka that was told nothing else takes no shorter one. */
export const SESSION_TIMEOUT_MS = 6_000;

const BATCH = 125;
const COMMIT_INTERVAL_MS = 500;

export interface Names {
	readonly topic: string;
	readonly group: string;
}

/** Where results go. A write that resolved is there for good, whatever becomes of the member. */
export interface Store {
	write(batch: WrittenBatch): Promise<void>;
}

export interface WorkingMember {
	readonly member: Member<Flight>;
	/** Resolves when the member has ended; rejects if it failed. */
	readonly ended: Promise<void>;
}

export function flightsGroup(broker: Broker, { topic, group }: Names) {
	return broker.consumerGroup<Flight>(group, { topics: [flightsTopic(topic)], from: "earliest", sessionTimeoutMs: SESSION_TIMEOUT_MS });
}

/**
 * Joins and processes. A batch counts as processed when the store has it, and only then may it be committed: killed in
 * between, the member has its batch repeated by the next owner, and the store sees that by the flights' ids.
 */
export async function startMember(name: string, broker: Broker, names: Names, store: Store): Promise<WorkingMember> {
	const member = await flightsGroup(broker, names).join();
	const ended = member.runBatches(
		({ partition, messages }) => store.write({ member: name, partition: partition.index, lines: messages.map(toLine) }),
		{ maxMessages: BATCH, commitIntervalMs: COMMIT_INTERVAL_MS },
	);
	return { member, ended };
}

function toLine({ value, offset }: Message<Flight>): Line {
	return { id: value.id, offset, hash: flightHash(value), hour: Math.floor(value.time), delay: value.delay };
}
