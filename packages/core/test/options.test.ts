// Every option of the consumer side is refused early and by its name when it makes no sense.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Broker, connect, type ConsumerGroup, type Member, topic } from "../src/index.ts";

const numbers = topic<number>("numbers", { partitions: 1 });

describe("options", () => {
	let broker: Broker;
	let group: ConsumerGroup<number>;
	let member: Member<number>;

	beforeAll(async () => {
		broker = await connect("memory:");
		group = broker.consumerGroup("g", { topics: [numbers], from: "earliest" });
		member = await group.join();
	});
	afterAll(() => broker.close());

	const groupOf = (options: object) => () => broker.consumerGroup("x", { topics: [numbers], from: "earliest", ...options } as never);

	it.each([
		[{ topics: undefined }, /topics/],
		[{ topics: ["numbers"] }, /topic/],
		[{ from: undefined }, /position/],
		[{ from: { timestamp: Number.NaN } }, /timestamp/],
		[{ from: { timestamp: new Date("never") } }, /timestamp/],
		[{ from: { timestamp: 1e300 } }, /timestamp/],
		[{ from: { offset: 1 } }, /position/],
		[{ onOutOfRange: "skip" }, /onOutOfRange/],
		[{ sessionTimeoutMs: Infinity }, /sessionTimeoutMs/],
		[{ sessionTimeoutMs: Number.NaN }, /sessionTimeoutMs/],
		[{ sessionTimeoutMs: "2000" }, /sessionTimeoutMs/],
		[{ heartbeatMs: 0 }, /heartbeatMs/],
		[{ assignor: "range" }, /assignor/],
	])("of a group: %j", (options, said) => {
		expect(groupOf(options)).toThrow(said);
	});

	it.each([
		[{ maxHandlerMs: 0 }, /maxHandlerMs/],
		[{ maxHandlerMs: Number.NaN }, /maxHandlerMs/],
		[{ maxBufferedRecords: 0 }, /maxBufferedRecords/],
		[{ maxBufferedRecords: Number.NaN }, /maxBufferedRecords/],
		[{ maxBufferedBytes: -1 }, /maxBufferedBytes/],
		[{ instanceId: "" }, /instanceId/],
		[{ instanceId: 7 }, /instanceId/],
		[{ commitIntervalMs: 0 }, /commitIntervalMs/],
		[{ commit: "never" }, /commit/],
		[{ onFailure: "stop" }, /onFailure/],
		[{ retry: { retries: -1 } }, /retries/],
	])("of a member: %j", async (options, said) => {
		await expect(group.join(options as never)).rejects.toThrow(said);
	});

	it.each([
		[{ concurrency: 0 }, /concurrency/],
		[{ concurrency: Number.NaN }, /concurrency/],
		[{ concurrency: 1.5 }, /concurrency/],
		[{ concurrency: "4" }, /concurrency/],
		[{ order: "keys" }, /order/],
		[{ retry: { retries: Number.NaN } }, /retries/],
		[{ retry: { initialDelayMs: -1 } }, /initialDelayMs/],
		[{ retry: { maxDelayMs: Number.NaN } }, /maxDelayMs/],
		[{ onFailure: { kind: "park" } }, /onFailure/],
		[{ onFailure: { kind: "deadLetter" } }, /dead-letter topic/],
		[{ onFailure: () => {} }, /onFailure/],
		[{ commit: "manually" }, /commit/],
		[{ commitIntervalMs: -5 }, /commitIntervalMs/],
	])("of a run: %j", async (options, said) => {
		await expect(member.run(() => {}, options as never)).rejects.toThrow(said);
	});

	it("of a run are checked before it joins", async () => {
		await expect(group.run(() => {}, { concurrency: 0 })).rejects.toThrow(/concurrency/);
		expect((await group.describe()).members).toHaveLength(1);
	});

	it("given as undefined mean their defaults", async () => {
		await broker.producer(numbers).send(1);
		const stuck = new Promise<void>((resolve) => member.on("stuck", () => resolve()));
		const stopped = new AbortController();
		let tries = 0;
		const running = member.run(
			() => {
				tries++;
				throw new Error("bad");
			},
			{ retry: { retries: undefined as never, initialDelayMs: 1 }, onFailure: undefined as never, signal: stopped.signal },
		);
		await stuck;
		expect(tries).toBe(4);
		stopped.abort();
		await running;
	});

	it("of close, seek, commit and reset", async () => {
		await expect(member.close({ deadlineMs: Number.NaN })).rejects.toThrow(/deadlineMs/);
		await expect(broker.close({ deadlineMs: -1 })).rejects.toThrow(/deadlineMs/);
		await expect(member.seek("start" as never)).rejects.toThrow(/position/);
		await expect(member.commit(new Map([[{ topic: "numbers", index: 0 }, 0 as never]]))).rejects.toThrow(/bigint/);
		await expect(group.reset("earliest", { partitions: [{ topic: "others", index: 0 }], dryRun: true })).rejects.toThrow(/others/);
		const nowhere = broker.consumerGroup("y", { topics: [topic("nowhere")], from: "earliest" });
		await expect(nowhere.reset("earliest")).rejects.toMatchObject({ code: "TOPIC_NOT_FOUND" });
		const reading = async () => {
			for await (const _ of broker.read(numbers, { from: "begin" as never }));
		};
		await expect(reading()).rejects.toThrow(/position/);
	});
});
