// The corners of `for await (const message of member)`.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, type Member, type Message, topic } from "../src/index.ts";
import { ScriptedGroup, scriptedBroker } from "./scripted-group.ts";

const numbers = topic<number>("numbers", { partitions: 2 });
const AT = { topic: "numbers", index: 0 };

describe("a member's iterator", () => {
	let script: ScriptedGroup;
	let broker: Broker;
	let member: Member<number>;

	beforeEach(async () => {
		script = new ScriptedGroup();
		broker = await scriptedBroker(script);
		await broker.topics.ensure(numbers);
		member = await broker.consumerGroup("g", { topics: [numbers], from: "earliest" }).join({ commitIntervalMs: 10 });
		script.grant("numbers", 0);
	});
	afterEach(() => broker.close({ deadlineMs: 100 }));

	const send = (...values: number[]) => broker.producer(numbers).sendBatch(values.map((value) => ({ value, partition: 0 })));
	const valueOf = (result: IteratorResult<Message<number>>) => (result.done ? "done" : result.value.value);

	it("refuses to be asked twice at once, and loses nothing by it", async () => {
		const iterator = member[Symbol.asyncIterator]();
		const first = iterator.next();
		await expect(iterator.next()).rejects.toThrow(TypeError);
		await send(0, 1);
		expect(valueOf(await first)).toBe(0);
		expect(valueOf(await iterator.next())).toBe(1);
		await expect.poll(() => script.committedOf(0)).toBe(1n);
		await iterator.return?.();
	});

	it("takes nothing for a next that was under way when it was left", async () => {
		const iterator = member[Symbol.asyncIterator]();
		const pending = iterator.next();
		await iterator.return?.();
		expect(valueOf(await pending)).toBe("done");
		const seen: number[] = [];
		const running = member.run(({ value }) => void seen.push(value));
		await send(0, 1);
		await expect.poll(() => seen).toEqual([0, 1]);
		await member.close();
		await running;
	});

	it("stays over once it was left, and does not end what takes the messages after it", async () => {
		await send(0, 1);
		const iterator = member[Symbol.asyncIterator]();
		expect(valueOf(await iterator.next())).toBe(0);
		await iterator.return?.();
		const stopped = new AbortController();
		const running = member.run(() => new Promise<void>((resolve) => setTimeout(resolve, 50)), { signal: stopped.signal });
		await iterator.return?.();
		expect(valueOf(await iterator.next())).toBe("done");
		expect(() => member[Symbol.asyncIterator]()).toThrow(TypeError);
		stopped.abort();
		await running;
	});

	it("does not process the message in hand of a partition that is lost, and goes on after it is granted anew", async () => {
		await send(0, 1);
		const iterator = member[Symbol.asyncIterator]();
		expect(valueOf(await iterator.next())).toBe(0);
		script.lose("numbers", 0);
		script.grant("numbers", 0);
		expect(valueOf(await iterator.next())).toBe(0);
		expect(valueOf(await iterator.next())).toBe(1);
		await iterator.return?.();
	});

	it("holds a partition back from its next owner while a message is in hand, and commits it when the next is asked for", async () => {
		await send(0, 1);
		const iterator = member[Symbol.asyncIterator]();
		await iterator.next();
		let released = false;
		const revoked = script.revoke("numbers", 0).then(() => (released = true));
		await new Promise((resolve) => setTimeout(resolve, 30));
		expect(released).toBe(false);
		const next = iterator.next();
		await revoked;
		expect(script.committedOf(0)).toBe(1n);
		await member.close();
		expect(valueOf(await next)).toBe("done");
	});

	it("delivers nothing while paused, with a message in hand too", async () => {
		await send(0, 1);
		const iterator = member[Symbol.asyncIterator]();
		await iterator.next();
		member.pause([AT]);
		let came = false;
		const next = iterator.next().then((result) => {
			came = true;
			return result;
		});
		await new Promise((resolve) => setTimeout(resolve, 30));
		expect(came).toBe(false);
		member.resume([AT]);
		expect(valueOf(await next)).toBe(1);
		await iterator.return?.();
	});
});
