// The estimate of a real group on the embedded backend, by somebody who only watches it.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Broker, connect, topic } from "../../src/index.ts";

const jobs = topic<number>("jobs", { partitions: 2 });
let worker: Broker;
let watcher: Broker;

beforeEach(async () => {
	worker = await connect("memory:estimate");
	watcher = await connect("memory:estimate");
	await worker.topics.ensure(jobs);
});
afterEach(async () => {
	await Promise.all([worker.close({ deadlineMs: 100 }), watcher.close()]);
});

const group = (broker: Broker) => broker.consumerGroup("workers", { topics: [jobs], from: "earliest" });
const send = (count: number) => worker.producer(jobs).sendBatch(Array.from({ length: count }, (_, n) => ({ value: n, partition: n % 2 })));

it("tells a drain time that holds what it really takes", async () => {
	await send(500);
	const member = await group(worker).join();
	const running = member.run(() => sleep(10), { commitIntervalMs: 100 });
	const watched = group(watcher);
	const estimate = await watched.estimate({ watchMs: 900 });
	const startMs = performance.now();
	expect(estimate).toMatchObject({ state: "draining", members: 1 });
	await expect.poll(async () => (await watched.lag()).total, { timeout: 8_000, interval: 10 }).toBe(0n);
	const tookMs = performance.now() - startMs;
	const { likely = Number.NaN, least = Number.NaN, most = Number.POSITIVE_INFINITY } = estimate.drainMs ?? {};
	console.log(`estimate: ${Math.round(likely)} ms (${Math.round(least)} to ${Math.round(most)}), took ${Math.round(tookMs)} ms`);
	// Lag is seen at the commit: up to an interval after the work.
	expect(tookMs).toBeGreaterThan(least - 100);
	// How fast the machine works may change in between.
	expect(Math.abs(likely - tookMs) / tookMs).toBeLessThan(0.75);
	expect((await watched.estimate({ watchMs: 900 })).state).toBe("caught-up");
	await member.close();
	await running;
});

it("answers a second call at once, from what it saw before", async () => {
	await send(10);
	const watched = group(watcher);
	const first = await watched.estimate({ watchMs: 900 });
	expect(first).toMatchObject({ state: "idle", backlog: 10n, members: 0, drainMs: undefined });
	const startMs = performance.now();
	const second = await watched.estimate({ watchMs: 900 });
	expect(performance.now() - startMs).toBeLessThan(700);
	expect(second.watchedMs).toBeGreaterThan(first.watchedMs);
});

it("takes bytes from the messages that wait", async () => {
	const texts = topic<string>("texts", { partitions: 1 });
	await worker.topics.ensure(texts);
	await worker.producer(texts).sendBatch(Array.from({ length: 200 }, () => ({ value: "x".repeat(998) })));
	const { backlog, backlogBytes } = await watcher.consumerGroup("readers", { topics: [texts], from: "earliest" }).estimate({ watchMs: 50 });
	expect(backlog).toBe(200n);
	// JSON adds two quotes; each record counts 16 bytes more.
	expect(backlogBytes).toBe(200 * 1_016);
});

it("is unknown, not 0, for a group that has no position", async () => {
	await send(10);
	const { state, backlog, backlogBytes, drainMs } = await watcher
		.consumerGroup("newcomers", { topics: [jobs], from: "latest" })
		.estimate({ watchMs: 50 });
	expect({ state, backlog, backlogBytes, drainMs }).toEqual({
		state: "unknown",
		backlog: undefined,
		backlogBytes: undefined,
		drainMs: undefined,
	});
});

it("gives up waiting when the caller says so, and refuses times that cannot be", async () => {
	const stopped = new AbortController();
	const waiting = group(watcher).estimate({ signal: stopped.signal });
	stopped.abort();
	await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
	await expect(group(watcher).estimate({ watchMs: 0 })).rejects.toThrow(RangeError);
	await expect(group(watcher).estimate({ watchMs: 2_000, windowMs: 1_000 })).rejects.toThrow(RangeError);
});
