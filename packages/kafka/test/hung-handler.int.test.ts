// A handler that does not come back costs its partition and nothing else. (kafkajs' own Consumer fetches nothing for any partition of the broker meanwhile, and neither stops nor disconnects.)
import { connect, topic } from "@polylog/core";
import { describe, expect, it } from "vitest";
import { adapter } from "../src/index.ts";
import { uniqueName, until, useKafka } from "./harness.ts";

const kafka = useKafka({ own: true });
const PARTITIONS = 4;
const EACH = 500;
const SESSION_MS = 5000;
const DEADLINE_MS = 1000;

describe("a member one of whose handlers hangs", () => {
	it("goes on with the other partitions and commits them, longer than its session, and closes by the deadline", async () => {
		const broker = await connect({ url: kafka.broker.url, adapters: { kafka: adapter } });
		const numbers = topic<number>(uniqueName("hung"), { partitions: PARTITIONS });
		const group = broker.consumerGroup(uniqueName("g"), { topics: [numbers], from: "earliest", sessionTimeoutMs: SESSION_MS });
		await broker.topics.create(numbers);
		const send = async () =>
			await broker
				.producer(numbers)
				.sendBatch(Array.from({ length: PARTITIONS * EACH }, (_, value) => ({ value, partition: value % PARTITIONS })));
		const handled = new Map<number, number>();
		const expectHandled = async (count: number) =>
			await until(() => [1, 2, 3].every((index) => handled.get(index) === count), `the others have ${count} records handled`);
		// What the hanging one may hold is soon full: nothing is asked for it any more.
		const member = await group.join({ maxBufferedRecords: 20 });
		const gone: unknown[] = [];
		member.on("lost", (partitions) => gone.push(partitions));
		const running = member.run(
			async ({ partition: { index } }) => {
				if (index === 0) await new Promise(() => {});
				handled.set(index, (handled.get(index) ?? 0) + 1);
			},
			{ commitIntervalMs: 100 },
		);
		running.catch(() => {});
		await send();
		await expectHandled(EACH);
		await new Promise((resolve) => setTimeout(resolve, SESSION_MS + 1000));
		await send();
		await expectHandled(2 * EACH);
		await until(async () => {
			const committed = new Map([...(await group.committed())].map(([{ index }, offset]) => [index, offset]));
			return [1, 2, 3].every((index) => committed.get(index) === BigInt(2 * EACH));
		}, "what was handled is committed");
		expect(gone).toEqual([]);
		expect(handled.has(0)).toBe(false);

		const closing = performance.now();
		await broker.close({ deadlineMs: DEADLINE_MS });
		// A good-bye that is not answered is given up after five seconds.
		expect(performance.now() - closing).toBeLessThan(DEADLINE_MS + 4500);
	});
});
