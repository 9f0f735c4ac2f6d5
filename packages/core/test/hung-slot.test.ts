import { expect, it } from "vitest";
import { connect, topic } from "../src/index.ts";

it("goes on with the other partitions when the only slot's handler hangs", async () => {
	const broker = await connect({ url: "memory:", log: { info() {}, warn() {}, error() {} } });
	const numbers = topic<number>("numbers", { partitions: 3 });
	await broker.producer(numbers).sendBatch(Array.from({ length: 30 }, (_, i) => ({ value: i, partition: i % 3 })));
	const group = broker.consumerGroup("g", { topics: [numbers], from: "earliest", sessionTimeoutMs: 8000 });
	const member = await group.join({ maxHandlerMs: 100 });
	const handled = new Set<number>();
	let release = () => {};
	const running = member.run(
		({ value, partition }) => {
			if (partition.index === 1 && value === 1) return new Promise<void>((resolve) => (release = resolve));
			handled.add(value);
			return undefined;
		},
		{ concurrency: 1 },
	);
	await expect.poll(() => [...handled].filter((value) => value % 3 !== 1).length).toBe(20);
	expect([...handled].filter((value) => value % 3 === 1)).toEqual([]);
	// Once it returns the partition comes back, from the message that hung.
	const again = new Set<number>();
	member.on("assigned", (partitions) => partitions.forEach(({ index }) => again.add(index)));
	release();
	await expect.poll(() => again.has(1)).toBe(true);
	await member.close({ deadlineMs: 200 });
	await running;
	await broker.close();
});
