import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, connect, topic } from "@polylog/core";
import { crash } from "@polylog/core/testing";
import { rowsStored } from "../crew/resume.ts";
import { sendAll } from "../crew/send-all.ts";
import { checkpoints, latestCheckpoint } from "./checkpoint.ts";
import { foldPartitions } from "./fold.ts";

const numbers = topic<number>("numbers", { partitions: 2 });
const sums = checkpoints<number>("sums", 2);
let tests = 0;
let url: string;
let broker: Broker;

beforeEach(async () => {
	url = `memory:checkpoints-${++tests}`;
	broker = await connect(url);
	await broker.topics.ensure(numbers);
	await broker.topics.ensure(sums);
});
afterEach(() => broker.close({ deadlineMs: 100 }));

const send = (count: number) =>
	sendAll(
		broker.producer(numbers),
		Array.from({ length: count }, (_, value) => ({ value, partition: value % 2 })),
	);
const stateOf = async (index: number) => (await latestCheckpoint(broker, sums, { index }))?.state;

function sumUp(own: Broker, hold?: () => Promise<void>): Promise<void> {
	const group = own.consumerGroup("summers", { topics: [numbers], from: "earliest", sessionTimeoutMs: 1_000 });
	return foldPartitions({
		broker: own,
		group,
		states: sums,
		initial: () => 0,
		fold: async (sum, messages) => {
			await hold?.();
			return messages.reduce((total, { value }) => total + value, sum);
		},
		batch: 10,
	});
}

describe("a folded partition", () => {
	it("goes on exactly where its last checkpoint is, after its owner died in the middle of a batch", { timeout: 60_000 }, async () => {
		await send(200);
		const doomed = await connect(url);
		let batches = 0;
		// Its fifth batch never ends.
		const first = sumUp(doomed, () => (++batches < 5 ? Promise.resolve() : new Promise(() => {})));
		await expect.poll(() => batches, { timeout: 20_000 }).toBeGreaterThanOrEqual(5);
		crash(doomed);
		await first;
		const heir = await connect(url);
		const second = sumUp(heir);
		await expect.poll(async () => [await stateOf(0), await stateOf(1)], { timeout: 20_000 }).toEqual([9_900, 10_000]);
		await heir.close();
		await second;
	});
});

describe("what a checkpoint has and nobody committed", () => {
	it("is committed by the next owner, and not folded again", async () => {
		await send(200);
		await broker.producer(sums).send({ fence: "0", next: "100", state: 7 }, { partition: 0 });
		const heir = await connect(url);
		const running = sumUp(heir);
		const watched = broker.consumerGroup("summers", { topics: [numbers], from: "earliest" });
		await expect.poll(async () => (await watched.lag()).total, { timeout: 20_000 }).toBe(0n);
		expect([await stateOf(0), await stateOf(1)]).toEqual([7, 10_000]);
		await heir.close();
		await running;
	});
});

describe("the latest checkpoint", () => {
	it("is that of the latest owner, though a former one writes after it", async () => {
		const written = broker.producer(sums);
		for (const [fence, next, state] of [
			["1", "5", 50],
			["2", "7", 70],
			["1", "9", 90],
		] as const)
			await written.send({ fence, next, state }, { partition: 0 });
		expect(await stateOf(0)).toBe(70);
		expect(await stateOf(1)).toBeUndefined();
	});
});

describe("the rows that are stored", () => {
	it("are those up to the lowest of the partitions' last", async () => {
		expect(await rowsStored(broker, numbers, (row) => row)).toBe(0);
		await send(7);
		await broker.producer(numbers).send(9, { partition: 1 });
		expect(await rowsStored(broker, numbers, (row) => row)).toBe(7);
	});
});
