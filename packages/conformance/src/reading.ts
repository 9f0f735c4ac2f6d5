// Reading what a check has written, without a group.
import type { Broker, Message, Topic } from "@polylog/core";
import { within } from "./time.ts";

/** Everything that is in the topic now, by partition, in the order it was read. */
export async function readAll<T>(broker: Broker, topic: Topic<T>, ms = 10_000): Promise<Message<T>[]> {
	const messages: Message<T>[] = [];
	const all = async () => {
		for await (const message of broker.read(topic, { from: "earliest", to: "latest" })) messages.push(message);
	};
	await within(ms, `reading ${topic.name}`, () => all());
	return messages;
}

/** The messages of each partition, in the order given. */
export function byPartition<T>(messages: readonly Message<T>[]): Map<number, Message<T>[]> {
	const lanes = new Map<number, Message<T>[]>();
	for (const message of messages) {
		const lane = lanes.get(message.partition.index);
		if (lane) lane.push(message);
		else lanes.set(message.partition.index, [message]);
	}
	return lanes;
}
