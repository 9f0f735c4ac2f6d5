// What one partition's trouble must not do to another's hand-over.
import { expect, it, onTestFinished } from "vitest";
import { connect, type Partition, topic } from "../src/index.ts";

it("hands the other partitions over while the handler of one never returns", async () => {
	const broker = await connect("memory:");
	const numbers = topic<number>("numbers", { partitions: 4 });
	const producer = broker.producer(numbers);
	const sendTen = () => producer.sendBatch(Array.from({ length: 40 }, (_, i) => ({ value: i, partition: i % 4 })));
	await sendTen();
	const group = broker.consumerGroup("g", { topics: [numbers], from: "earliest", sessionTimeoutMs: 8000 });
	const revoked: Partition[][] = [];
	const a = await group.join({ onRevoked: (partitions) => void revoked.push([...partitions]) });
	const hangs = new Set<number>();
	const running = a.run(({ partition }) => {
		if (partition.index > 1) return undefined;
		hangs.add(partition.index);
		return new Promise<void>(() => {});
	});
	await expect.poll(() => hangs.size).toBe(2);
	const joined = await Promise.all([group.join(), group.join(), group.join()]);
	const taken = new Set<number>();
	const runs = joined.map((member) => member.run(({ partition }) => void taken.add(partition.index)));
	const sending = setInterval(() => void sendTen(), 50);
	onTestFinished(() => clearInterval(sending));
	// Three partitions leave a; at least one of them has no hanging handler, and must not wait for those that have.
	await expect.poll(() => [...taken].some((index) => index > 1)).toBe(true);
	expect(revoked.flat().some(({ index }) => index <= 1)).toBe(false);
	clearInterval(sending);
	await Promise.all(joined.map((member) => member.close()));
	await Promise.all([a.close({ deadlineMs: 100 }), running, ...runs]);
	await broker.close();
});
