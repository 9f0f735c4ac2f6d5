// A producer that never stops, so that a standstill shows.
import type { Broker, Topic } from "@polylog/core";
import type { Item, Recorder } from "../recorder.ts";
import { delay } from "../time.ts";

/** Sends a message to each partition every few milliseconds, until told to stop; resolves to how many. */
export function flow(broker: Broker, recorder: Recorder, topic: Topic<Item>, partitions: number) {
	const producer = broker.producer(topic);
	let sent = 0;
	let on = true;
	const done = (async () => {
		while (on) {
			const round = Array.from({ length: partitions }, (_, partition) => recorder.send(producer, 1, { from: sent + partition, partition }));
			sent += partitions;
			await Promise.all(round);
			await delay(15);
		}
		return sent;
	})();
	done.catch(() => {});
	return {
		async stop() {
			on = false;
			return await done;
		},
	};
}
