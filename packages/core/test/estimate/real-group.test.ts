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

it("tells a drain time that holds what it takes at the pace of the time it watched", async () => {
	await send(500);
	const member = await group(worker).join();
	let handled = 0;
	const running = member.run(
		async () => {
			await sleep(10);
			handled += 1;
		},
		{ commitIntervalMs: 100 },
	);
	const watched = group(watcher);
	await expect.poll(() => handled).toBeGreaterThan(20);
	const [startMs, before] = [performance.now(), handled];
	const estimate = await watched.estimate({ watchMs: 900 });
	const perMessageMs = (performance.now() - startMs) / (handled - before);
	// The machine may be quicker or slower after that: nobody can know.
	const leftMs = (500 - handled) * perMessageMs;
	expect(estimate).toMatchObject({ state: "draining", members: 1 });
	const { likely = Number.NaN, least = Number.NaN, most = Number.NaN } = estimate.drainMs ?? {};
	console.log(`estimate: ${Math.round(likely)} ms (${Math.round(least)} to ${Math.round(most)}), ${Math.round(leftMs)} at the pace so far`);
	expect(Math.abs(likely - leftMs) / leftMs).toBeLessThan(0.5);
	// It sees commits: up to an interval after the work.
	expect(least).toBeLessThan(leftMs + 200);
	expect(most).toBeGreaterThan(leftMs - 200);
	await expect.poll(async () => (await watched.lag()).total, { timeout: 20_000, interval: 10 }).toBe(0n);
	expect((await watched.estimate({ watchMs: 900 })).state).toBe("caught-up");
	await member.close();
	await running;
});

it("answers a second call at once, from what it saw before", async () => {
	await send(10);
	const watched = group(watcher);
	const first = await watched.estimate({ watchMs: 900 });
	expect(first).toMatchObject({ state: "idle", backlog: 10n, members: 0, drainMs: undefined });
	const tookMs: number[] = [];
	for (let call = 0, before = first.watchedMs; call < 3; call++) {
		const startMs = performance.now();
		const { watchedMs } = await watched.estimate({ watchMs: 900 });
		tookMs.push(performance.now() - startMs);
		expect(watchedMs).toBeGreaterThan(before);
		before = watchedMs;
	}
	// One of them may have met a busy moment of the machine.
	expect(Math.min(...tookMs)).toBeLessThan(700);
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
