import { describe, expect, test } from "vitest";
import { ProducerClock } from "../../test/producer-clock.ts";
import { allOk, DriverError, ScriptedAppender } from "../../test/scripted-appender.ts";
import type { ProducerGroupOptions } from "../api/producer.ts";
import type { Capabilities } from "../capabilities.ts";
import { topic } from "../topic.ts";
import { createProducerGroup } from "./producer-group.ts";

const orders = topic<string>("orders");

function given(options?: ProducerGroupOptions, capabilities?: Partial<Capabilities>) {
	const clock = new ProducerClock();
	const driver = new ScriptedAppender(allOk, capabilities);
	let made = 0;
	const random = { fraction: () => 0.5, hex: () => `random${made++}` };
	const parts = { driver, clock, random, wrap: driver.wrap, ensureTopic: async () => 2 };
	return { clock, driver, parts, group: createProducerGroup("shop", parts, options) };
}

describe("producer group", () => {
	test("what its members send carries the group, the member and a sequence for each partition", async () => {
		const { driver, group } = given({ memberId: "till-1" });
		const producer = group.producer(orders);
		await producer.sendBatch([
			{ value: "a", partition: 0, headers: { trace: "t", "x-polylog-sequence": "forged" } },
			{ value: "b", partition: 0 },
			{ value: "c", partition: 1 },
		]);
		await producer.send("d", { partition: 0 });
		const member = [
			["x-polylog-producer-group", "shop"],
			["x-polylog-producer", "till-1"],
		];
		expect(driver.appends.map(({ partition, records }) => [partition.index, records.map(({ headers }) => headers)])).toEqual([
			[
				0,
				[
					[["trace", "t"], ...member, ["x-polylog-sequence", "0"]],
					[...member, ["x-polylog-sequence", "1"]],
				],
			],
			[1, [[...member, ["x-polylog-sequence", "0"]]]],
			[0, [[...member, ["x-polylog-sequence", "2"]]]],
		]);
	});

	test("a repeat carries the same headers", async () => {
		const { clock, driver, group } = given();
		driver.script = () => {
			driver.script = allOk;
			throw new DriverError("CONNECTION_LOST");
		};
		const sent = group.producer(orders).send("a", { partition: 0 });
		await clock.advance(1000);
		await sent;
		expect(driver.appends[1]?.records).toEqual(driver.appends[0]?.records);
		expect(driver.appends[1]?.producer).toEqual(driver.appends[0]?.producer);
	});

	test("one producer per topic, until it is closed; the sequence goes on in the next one", async () => {
		const { driver, group } = given();
		const first = group.producer(orders);
		expect(group.producer(orders)).toBe(first);
		expect(() => group.producer(orders, { lingerMs: 5 })).toThrow(TypeError);
		expect(() => group.producer(topic<string>("orders"))).toThrow(/another definition/);
		await first.send("a", { partition: 0 });
		await first.close();
		const second = group.producer(orders);
		expect(second).not.toBe(first);
		await second.send("b", { partition: 0 });
		expect(driver.appends.map(({ producer }) => producer.sequence)).toEqual([0, 1]);
		expect(driver.appends[0]?.producer.id).toBe(driver.appends[1]?.producer.id);
	});

	test("a producer opened after one that hangs waits until that append is over", async () => {
		const { clock, driver, group } = given();
		let finish = () => {};
		driver.script = ({ records }) => new Promise((resolve) => (finish = () => resolve(records.map(() => ({ status: "ok" })))));
		const first = group.producer(orders);
		const lost = Promise.allSettled([first.send("a", { partition: 0 })]);
		await clock.settle();
		const closed = first.close({ deadlineMs: 10 });
		await clock.advance(11);
		await Promise.all([closed, lost]);
		driver.script = allOk;
		const next = group.producer(orders).send("b", { partition: 0 });
		await clock.settle();
		expect(driver.appends).toHaveLength(1);
		finish();
		await next;
		expect(driver.mostAtOnce).toBe(1);
	});

	test("two members given one id by mistake are two producers to the broker", () => {
		const { parts } = given();
		const ids = [createProducerGroup("shop", parts, { memberId: "x" }), createProducerGroup("shop", parts, { memberId: "x" })].map(
			async (group) => {
				await group.producer(orders).send("a", { partition: 0 });
			},
		);
		return Promise.all(ids).then(() => expect(new Set(parts.driver.appends.map(({ producer }) => producer.id)).size).toBe(2));
	});

	test("closing it closes its producers", async () => {
		const { group } = given();
		const producer = group.producer(orders);
		await group.close();
		await expect(producer.send("a")).rejects.toMatchObject({ code: "CLOSED" });
		expect(() => group.producer(orders)).toThrow(expect.objectContaining({ code: "CLOSED" }));
	});

	test.each(["a/b", "", "__polylog-x"])("the name %j is refused", (name) => {
		expect(() => createProducerGroup(name, given().parts)).toThrow(TypeError);
		expect(() => createProducerGroup("shop", given().parts, { memberId: name })).toThrow(TypeError);
	});
});

describe("fenced", () => {
	test("without the capability it is UNSUPPORTED, without a memberId a TypeError, at creation", () => {
		expect(() => given({ memberId: "m", fenced: true }, { producerFencing: false })).toThrow(
			expect.objectContaining({ code: "UNSUPPORTED" }),
		);
		expect(() => given({ fenced: true })).toThrow(/memberId/);
	});

	test("each incarnation has the same id and a higher epoch, also within one millisecond", async () => {
		const { driver, parts } = given();
		for (let i = 0; i < 3; i++)
			await createProducerGroup("shop", parts, { memberId: "m", fenced: true }).producer(orders).send("a", { partition: 0 });
		const identities = driver.appends.map(({ producer }) => producer);
		expect(new Set(identities.map(({ id }) => id))).toEqual(new Set(["shop/m"]));
		expect(identities[1]?.epoch).toBeGreaterThan(identities[0]?.epoch ?? Infinity);
		expect(identities[2]?.epoch).toBeGreaterThan(identities[1]?.epoch ?? Infinity);
		expect(Number.isSafeInteger(identities[2]?.epoch)).toBe(true);
	});

	test("a member that was fenced off for one topic can send to none", async () => {
		const { driver, group } = given({ memberId: "m", fenced: true });
		driver.script = ({ records, partition }) =>
			records.map(() => (partition.topic === "orders" ? { status: "failed", error: new DriverError("FENCED") } : { status: "ok" }));
		const other = group.producer(topic<string>("other"));
		await other.send("fine");
		await expect(group.producer(orders).send("a")).rejects.toMatchObject({ code: "FENCED" });
		await expect(other.send("b")).rejects.toMatchObject({ code: "FENCED" });
		await expect(group.producer(topic<string>("third")).send("c")).rejects.toMatchObject({ code: "FENCED" });
	});
});
