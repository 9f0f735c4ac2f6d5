// State and offset in one record of a topic: either both are there or neither, so a crash neither loses nor doubles.
import { type Broker, type Partition, topic, type Topic } from "@polylog/core";

export interface Checkpoint<S> {
	/** The next offset to process. */
	readonly next: string;
	/** Of the owner that wrote it: a former one that still writes cannot win. */
	readonly fence: string;
	readonly state: S;
}

/** Of one partition, more than former owners can have written late. */
const LOOK_BACK = 20n;

/** One partition for each of the topic whose state it holds. */
export function checkpoints<S>(name: string, partitions: number): Topic<Checkpoint<S>> {
	return topic<Checkpoint<S>>(name, { partitions });
}

/** The last one of the latest owner; `undefined`: there is none yet. */
export async function latestCheckpoint<S>(
	broker: Broker,
	states: Topic<Checkpoint<S>>,
	{ index }: Pick<Partition, "index">,
): Promise<Checkpoint<S> | undefined> {
	const description = (await broker.topics.describe(states)).partitions[index];
	if (!description || description.end === description.earliest) return undefined;
	const { earliest, end } = description;
	const from = end - LOOK_BACK < earliest ? earliest : end - LOOK_BACK;
	let latest: Checkpoint<S> | undefined;
	for await (const { value } of broker.read(states, { partition: index, from: { offset: from }, to: { offset: end } }))
		if (!latest || BigInt(value.fence) > BigInt(latest.fence) || (value.fence === latest.fence && BigInt(value.next) > BigInt(latest.next)))
			latest = value;
	return latest;
}
