// What members of a Kafka group tell each other through the coordinator: Kafka's own consumer protocol, so that Java and
// librdkafka members understand it, with a few facts of ours where user data goes.
import type { Partition } from "@polylog/core/driver";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";

/** Owned partitions since 1, the generation they are of since 2. */
const SUBSCRIPTION_VERSION = 2;
const ASSIGNMENT_VERSION = 1;

export interface Subscription {
	readonly topics: readonly string[];
	readonly owned: readonly Partition[];
	/** Of the ownership; -1: none, or not told. */
	readonly generation: number;
	/** The generation it first joined in; undefined: not told. */
	readonly since: number | undefined;
	/** It must not be given these: an old handler still runs. */
	readonly excluded: readonly Partition[];
}

export function encodeSubscription({ topics, owned, generation, since, excluded }: Subscription): Buffer {
	const to = new ByteWriter();
	to.int16(SUBSCRIPTION_VERSION).array(topics, (topic) => to.string(topic));
	// Java's sticky assignor of versions before 3.4 reads the generation from the first four bytes.
	const facts = new ByteWriter()
		.int32(generation)
		.raw(Buffer.from(JSON.stringify({ since, excluded: excluded.map(({ topic, index }) => [topic, index]) })));
	to.bytes(facts.written);
	writePartitions(to, owned);
	return Buffer.from(to.int32(generation).written);
}

export function decodeSubscription(bytes: Buffer): Subscription {
	const from = new ByteReader(bytes);
	const version = from.int16();
	const topics = from.array(() => from.string());
	const facts = readFacts(from.nullableBytes());
	const owned = version >= 1 && from.remaining > 0 ? readPartitions(from) : [];
	const generation = version >= 2 && from.remaining >= 4 ? from.int32() : -1;
	return { topics, owned, generation, ...facts };
}

export function encodeAssignment(partitions: readonly Partition[]): Buffer {
	const to = new ByteWriter();
	to.int16(ASSIGNMENT_VERSION);
	writePartitions(to, partitions);
	return Buffer.from(to.bytes(undefined).written);
}

/** An empty one means nothing is assigned. */
export function decodeAssignment(bytes: Buffer): Partition[] {
	if (bytes.length === 0) return [];
	const from = new ByteReader(bytes);
	from.int16();
	return readPartitions(from);
}

function writePartitions(to: ByteWriter, partitions: readonly Partition[]): void {
	to.array([...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, parts]) =>
		to.string(topic).array(parts, ({ index }) => to.int32(index)),
	);
}

function readPartitions(from: ByteReader): Partition[] {
	return from
		.array(() => {
			const topic = from.string();
			return from.array((): Partition => ({ topic, index: from.int32() }));
		})
		.flat();
}

/** Tolerant: other clients keep things of their own there. */
function readFacts(bytes: Buffer | undefined): Pick<Subscription, "since" | "excluded"> {
	try {
		const facts: unknown = JSON.parse(bytes?.subarray(4).toString() ?? "");
		if (typeof facts !== "object" || facts === null) return { since: undefined, excluded: [] };
		const since = "since" in facts && typeof facts.since === "number" ? facts.since : undefined;
		const listed: readonly unknown[] = "excluded" in facts && Array.isArray(facts.excluded) ? facts.excluded : [];
		return { since, excluded: listed.flatMap((item) => (isPair(item) ? [{ topic: item[0], index: item[1] }] : [])) };
	} catch {
		return { since: undefined, excluded: [] };
	}
}

function isPair(item: unknown): item is [string, number] {
	return Array.isArray(item) && typeof item[0] === "string" && typeof item[1] === "number";
}
