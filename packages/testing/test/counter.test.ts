import { type Message, topic } from "@polylog/core";
import { type Remote, simulate, type SimulateOptions } from "../src/index.ts";
import { describe, expect, it } from "vitest";
import { Counter } from "./counter.ts";

const payments = topic<number>("payments", {});
const messages = Array.from({ length: 30 }, (_, i) => ({ value: i + 1, key: `customer-${i % 5}` }));

const options: Omit<SimulateOptions<number, Counter>, "handler"> = {
	topic: payments,
	messages,
	services: () => new Counter(),
	invariant: ({ services, stored, done }) => {
		if (!done) return;
		const expected = stored.reduce((sum, value) => sum + value, 0);
		if (services.total !== expected) throw new Error(`the total is ${services.total}, and ${expected} was paid`);
	},
};

function countsTwice(message: Message<number>, counter: Remote<Counter>) {
	return counter.add(message.value);
}

function countsOnce({ partition, fence, offset, value }: Message<number>, counter: Remote<Counter>) {
	return counter.addOnce(partition.index, fence, offset, value);
}

const LIMIT = { timeout: 120_000 };

describe("a counter fed by payments", LIMIT, () => {
	it("that only adds is caught counting one twice, with the interleaving that did it", async () => {
		const report = await simulate({ ...options, handler: countsTwice });
		expect(report.failure?.error).toMatchObject({ message: expect.stringMatching(/the total is \d+, and \d+ was paid/) });
		expect(report.failure?.trace.join("\n")).toMatch(/handles payments\/\d@\d+ AGAIN/);
		expect(() => report.assert()).toThrow(/the total is/);
	});

	it("that remembers fence and offset with what it adds counts once, whatever happens", async () => {
		const report = await simulate({ ...options, handler: countsOnce, seeds: 15 });
		report.assert();
		expect(report.repeated).toBeGreaterThan(0);
	});

	it("is simulated the same way every time", async () => {
		const run = () => simulate({ ...options, handler: countsOnce, seeds: 3, invariant: () => {} });
		const traces = async () => {
			const lines: string[] = [];
			await simulate({
				...options,
				handler: (message, counter) => {
					lines.push(`${message.partition.index}@${message.offset} under ${message.fence}`);
					return countsOnce(message, counter);
				},
				seeds: 3,
			});
			return lines;
		};
		const { handled, repeated } = await run();
		expect(await run()).toMatchObject({ handled, repeated });
		expect(await traces()).toEqual(await traces());
	});
});

describe("simulate", LIMIT, () => {
	it("tells a handler that gives up", async () => {
		const report = await simulate({
			...options,
			seeds: 1,
			handler: () => Promise.reject(new Error("no such customer")),
			retry: { retries: 1 },
		});
		expect(report.failure?.error).toMatchObject({ code: "HANDLER_FAILED", message: expect.stringContaining("no such customer") });
	});

	it("refuses options that make no sense", async () => {
		await expect(simulate({ ...options, handler: countsOnce, seeds: 0 })).rejects.toThrow(RangeError);
		await expect(simulate({ ...options, handler: countsOnce, messages: [] })).rejects.toThrow(/needs messages/);
	});
});
