// What somebody sees who only watches: how long a group takes, and who feeds what, on every backend.
import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, connect, topic, topologyMermaid } from "@polylog/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BACKENDS, reportBackend, type RunningBackend, startBackend } from "../src/backends.ts";

const PARTITIONS = 4;
const HANDLER_MS = 10;
const COMMIT_MS = 200;
const jobs = topic<number>("jobs", { partitions: PARTITIONS });

describe.each(BACKENDS)("watching on %s", (backend) => {
	let running: RunningBackend;
	let worker: Broker;
	let watcher: Broker;

	beforeAll(async () => {
		running = await startBackend(backend);
		const url = backend === "memory" ? "memory:watching" : running.url;
		[worker, watcher] = [await connect({ url, clientId: "worker" }), await connect({ url, clientId: "watcher" })];
		await worker.topics.ensure(jobs);
	}, 600_000);
	beforeEach((context) => reportBackend(context, backend, running));
	afterAll(async () => {
		await Promise.all([worker?.close(), watcher?.close()]);
		await running?.[Symbol.asyncDispose]();
	});

	const group = (broker: Broker) => broker.consumerGroup("workers", { topics: [jobs], from: "earliest" });

	it("tells how long a backlog takes, and that it is done, and that nobody is there", { timeout: 120_000 }, async () => {
		const messages = Array.from({ length: 2_400 }, (_, value) => ({ value, partition: value % PARTITIONS }));
		const receipts = await worker.producerGroup("office", { memberId: "clerk" }).producer(jobs).sendBatch(messages);
		expect(receipts.filter(({ status }) => status !== "ok")).toEqual([]);
		const member = await group(worker).join();
		let count = 0;
		const handle = async () => {
			await sleep(HANDLER_MS);
			count++;
		};
		const handled = member.run(handle, { commitIntervalMs: COMMIT_MS });
		const watched = group(watcher);
		await expect.poll(async () => Number((await watched.lag()).total), { timeout: 20_000 }).toBeLessThan(2_300);
		const [startMs, before] = [performance.now(), count];
		const estimate = await watched.estimate({ watchMs: 2_000 });
		const perMessageMs = (performance.now() - startMs) / (count - before);
		// The machine may be quicker or slower after that: nobody can know.
		const leftMs = (messages.length - count) * perMessageMs;
		expect(estimate).toMatchObject({
			state: "draining",
			members: 1,
			partitions: Array.from({ length: PARTITIONS }, () => ({ state: "draining" })),
		});
		expect(estimate.backlogBytes).toBeGreaterThan(Number(estimate.backlog));
		await expect.poll(async () => (await watched.lag()).total, { timeout: 60_000, interval: 50 }).toBe(0n);
		const { likely = Number.NaN, least = Number.NaN, most = Number.POSITIVE_INFINITY } = estimate.drainMs ?? {};
		const error = ((likely - leftMs) / leftMs) * 100;
		console.log(
			`${backend}: estimated ${likely.toFixed(0)} ms (${least.toFixed(0)} to ${most.toFixed(0)}), ${leftMs.toFixed(0)} ms at the pace so far: ${error.toFixed(0)} %`,
		);
		// It sees commits, which follow the work at intervals.
		expect(likely / leftMs).toBeGreaterThan(0.5);
		expect(likely / leftMs).toBeLessThan(2);
		expect(await watched.estimate()).toMatchObject({ state: "caught-up", backlog: 0n, backlogBytes: 0, slowest: undefined });
		await member.close();
		await handled;
		await worker.producer(jobs).send(1);
		expect(await watched.estimate()).toMatchObject({ state: "idle", backlog: 1n, drainMs: undefined });
	});

	it("tells who feeds what and who reads it", async () => {
		const seen = await watcher.topology({ topics: ["jobs"], watchMs: 100 });
		expect(seen).toMatchObject({
			backend: watcher.name,
			topics: [{ topic: "jobs", partitions: PARTITIONS, perSecond: 0 }],
			consumerGroups: [{ group: "workers", topic: "jobs", members: 0, lag: 1 }],
		});
		const feeds = seen.producerGroups.toSorted((a, b) => (a.group ?? "").localeCompare(b.group ?? ""));
		expect(feeds).toMatchObject([
			{ group: null, topic: "jobs", members: [] },
			{ group: "office", topic: "jobs", members: ["clerk"] },
		]);
		expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
		expect(topologyMermaid(seen)).toContain('t0 -->|"0/s, lag 1"| c0');
	});
});
