// How a member ends: whatever the application throws or hangs in, it drains, commits, tells once, and leaves.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Broker, deadLetter, type Member, type MemberOptions, PolylogError, topic } from "../src/index.ts";
import { ScriptedGroup, scriptedBroker } from "./scripted-group.ts";

const numbers = topic<number>("numbers", { partitions: 2 });

describe("a member", () => {
	let script: ScriptedGroup;
	let broker: Broker;

	beforeEach(async () => {
		script = new ScriptedGroup();
		broker = await scriptedBroker(script);
		await broker.topics.ensure(numbers);
	});
	afterEach(() => broker.close({ deadlineMs: 200 }));

	const send = (count: number, key?: (i: number) => string, partition = 0) =>
		broker.producer(numbers).sendBatch(Array.from({ length: count }, (_, i) => ({ value: i, partition, ...(key ? { key: key(i) } : {}) })));
	const group = () => broker.consumerGroup("g", { topics: [numbers], from: "earliest" });
	const join = async (options: MemberOptions<number> = {}): Promise<Member<number>> => group().join(options);

	it("leaves in good order although listeners of its events throw", async () => {
		const member = await join();
		for (const event of ["assigned", "revoked", "lost", "committed", "error", "stuck"] as const)
			member.on(event, () => {
				throw new Error(`the ${event} listener`);
			});
		await send(3);
		const running = member.run(
			(message) => {
				if (message.value === 1) throw new Error("bad");
			},
			{ retry: { retries: 0 }, onFailure: { kind: "skip" } },
		);
		script.grant("numbers", 0, 1);
		await expect.poll(() => member.position({ topic: "numbers", index: 0 })).toBe(3n);
		script.lose("numbers", 1);
		await member.close();
		await running;
		expect(script.left).toEqual([{ drained: true }]);
		expect(script.committedOf(0)).toBe(3n);
		expect(member.assignment).toEqual([]);
	});

	it("that ends while it joins says why", async () => {
		const joining = Promise.withResolvers<void>();
		script.joining = joining.promise;
		const joined = join();
		await expect.poll(() => script.listener).toBeDefined();
		joining.resolve();
		script.listener?.fatal(new PolylogError("MEMBER_REPLACED", "another one has its place"));
		await expect(joined).rejects.toMatchObject({ code: "MEMBER_REPLACED" });
		expect(script.destroyed).toBe(true);
	});

	it("tells an error of an asynchronous onLost, and lives on", async () => {
		const errors: string[] = [];
		const fails: () => unknown = () => Promise.reject(new Error("in onLost"));
		const member = await join({ onLost: () => fails() as void });
		member.on("error", (error) => void errors.push(error.message));
		script.grant("numbers", 0);
		script.lose("numbers", 0);
		await expect.poll(() => errors).toEqual([expect.stringContaining("in onLost")]);
	});

	it("asks onRevoked once for each partition, also if it is closed in the middle of it", async () => {
		const asked: number[] = [];
		const slow = Promise.withResolvers<void>();
		const member = await join({
			onRevoked: async (partitions) => {
				asked.push(...partitions.map((partition) => partition.index));
				await slow.promise;
			},
		});
		script.grant("numbers", 0);
		await expect.poll(() => member.state({ topic: "numbers", index: 0 })).toBe("running");
		const revoked = script.revoke("numbers", 0);
		await expect.poll(() => asked).toEqual([0]);
		const closed = member.close();
		await new Promise((resolve) => setTimeout(resolve, 20));
		slow.resolve();
		await Promise.all([revoked, closed]);
		expect(asked).toEqual([0]);
		expect(script.left).toEqual([{ drained: true }]);
	});

	it("stops joining when the broker is closed", async () => {
		script.joining = new Promise(() => {});
		const joining = join();
		joining.catch(() => {});
		await expect.poll(() => script.listener).toBeDefined();
		await broker.close();
		await expect(joining).rejects.toMatchObject({ code: "CLOSED" });
	});

	it("stops joining when the signal of run aborts", async () => {
		script.joining = new Promise(() => {});
		const stopped = new AbortController();
		const running = group().run(() => {}, { signal: stopped.signal });
		await expect.poll(() => script.listener).toBeDefined();
		stopped.abort();
		await expect(Promise.race([running.then(() => "ended"), new Promise((resolve) => setTimeout(resolve, 10_000, "hangs"))])).resolves.toBe(
			"ended",
		);
	});

	it("ends a run by its signal while a message is retried for ever, and delivers it to the next run", async () => {
		await send(3);
		const member = await join();
		script.grant("numbers", 0);
		const seen: number[] = [];
		const stopped = new AbortController();
		const running = member.run(
			({ value }) => {
				seen.push(value);
				if (value === 1) throw new Error("not yet");
			},
			{ signal: stopped.signal, retry: { retries: Infinity, initialDelayMs: 10_000 } },
		);
		await expect.poll(() => seen).toEqual([0, 1]);
		stopped.abort();
		await running;
		expect(script.committedOf(0)).toBe(1n);
		const again = member.run(({ value }) => void seen.push(value));
		await expect.poll(() => seen).toEqual([0, 1, 1, 2]);
		await member.close();
		await again;
	});

	it("commits what a run by key has processed when its signal aborts with messages waiting behind their key", async () => {
		await send(20, () => "hot");
		const member = await join();
		script.grant("numbers", 0);
		const stopped = new AbortController();
		let done = 0;
		await member.run(
			async () => {
				await Promise.resolve();
				if (++done === 5) stopped.abort();
			},
			{ order: "key", signal: stopped.signal, commitIntervalMs: 60_000 },
		);
		expect(script.committedOf(0)).toBe(5n);
	});

	it("keeps a partition stopped although the run by key that stopped it ends", async () => {
		await send(6, () => "hot");
		const member = await join();
		member.on("stuck", () => {});
		script.grant("numbers", 0);
		const stopped = new AbortController();
		const running = member.run(
			async () => {
				await new Promise((resolve) => setTimeout(resolve, 5));
				throw new Error("bad");
			},
			{ order: "key", retry: { retries: 0 }, signal: stopped.signal },
		);
		await expect.poll(() => member.state({ topic: "numbers", index: 0 })).toBe("stopped");
		stopped.abort();
		await running;
		expect(member.state({ topic: "numbers", index: 0 })).toBe("stopped");
	});

	it("commits on its way out what was processed before a stopped partition was resumed", async () => {
		await send(3);
		const member = await join();
		member.on("stuck", () => {});
		script.grant("numbers", 0);
		const running = member.run(
			({ value }) => {
				if (value === 2) throw new Error("bad");
			},
			{ retry: { retries: 0 }, commitIntervalMs: 60_000 },
		);
		const partition = { topic: "numbers", index: 0 };
		await expect.poll(() => member.state(partition)).toBe("stopped");
		member.resume();
		await expect.poll(() => member.state(partition)).toBe("stopped");
		await member.close();
		await running;
		expect(script.committedOf(0)).toBe(2n);
	});

	it("ends a run in peace although a partition had moved on by the time of its last commit", async () => {
		await send(1);
		const member = await join();
		script.grant("numbers", 0);
		const stopped = new AbortController();
		let handled = 0;
		const running = member.run(() => void handled++, { signal: stopped.signal, commitIntervalMs: 60_000 });
		await expect.poll(() => handled).toBe(1);
		const { PolylogError } = await import("../src/index.ts");
		script.refusal = new PolylogError("FENCED", "moved on");
		stopped.abort();
		await expect(running).resolves.toBeUndefined();
	});

	it("keeps nothing at a signal that outlives it", async () => {
		const lifelong = new AbortController();
		const added = vi.spyOn(lifelong.signal, "addEventListener");
		const removed = vi.spyOn(lifelong.signal, "removeEventListener");
		const member = await join({ signal: lifelong.signal });
		await member.close();
		expect(added).toHaveBeenCalled();
		expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener));
	});

	it("closes within its deadline although leaving takes long", async () => {
		script.leaving = new Promise(() => {});
		const member = await join();
		const start = performance.now();
		await member.close({ deadlineMs: 200 });
		// 200 ms, and half a second for a good-bye that nobody takes; without the deadline half a minute.
		expect(performance.now() - start).toBeLessThan(10_000);
	});

	it("closes within its deadline although the dead-letter topic cannot be looked up", async () => {
		const hanging = new ScriptedGroup();
		const other = await scriptedBroker(hanging, (driver) => ({
			topics: Object.assign(Object.create(driver.topics), {
				describe: (name: string) => (hang ? new Promise(() => {}) : driver.topics.describe(name)),
			}),
		}));
		let hang = false;
		await other.topics.ensure(numbers);
		await other.producer(numbers).send(1, { partition: 0 });
		const member = await other.consumerGroup("g", { topics: [numbers], from: "earliest" }).join();
		hanging.grant("numbers", 0);
		let failed = 0;
		const running = member.run(
			() => {
				hang = true;
				failed++;
				throw new Error("bad");
			},
			{ retry: { retries: 0 }, onFailure: deadLetter("dead") },
		);
		await expect.poll(() => failed).toBe(1);
		const closed = member.close({ deadlineMs: 100 });
		await expect(Promise.race([closed.then(() => "closed"), new Promise((resolve) => setTimeout(resolve, 10_000, "hangs"))])).resolves.toBe(
			"closed",
		);
		await running;
		await other.close({ deadlineMs: 100 });
	});

	it("writes a dead letter of a message as large as a message may be", async () => {
		await broker.producer(numbers, { maxRecordBytes: 2_000_000 }).send(1, { partition: 0, key: "k".repeat(1024 * 1024) });
		const member = await join({ commitIntervalMs: 10 });
		const stuck: string[] = [];
		member.on("stuck", (_, error) => void stuck.push(error.message)).on("error", () => {});
		script.grant("numbers", 0);
		const running = member.run(() => Promise.reject(new Error("bad")), { retry: { retries: 0 }, onFailure: deadLetter("dead") });
		await expect.poll(() => stuck.length > 0 || script.committedOf(0) === 1n).toBe(true);
		expect(stuck).toEqual([]);
		await member.close();
		await running;
	});

	it("waits through an outage while it writes a dead letter, rather than stop the partition", async () => {
		const flaky = new ScriptedGroup();
		let down = 0;
		const other = await scriptedBroker(flaky, (driver) => ({
			classify: () => ({ code: "CONNECTION_LOST" }),
			topics: Object.assign(Object.create(driver.topics), {
				describe: (name: string) => (down-- > 0 ? Promise.reject(new Error("no connection")) : driver.topics.describe(name)),
			}),
		}));
		await other.topics.ensure(numbers);
		await other.producer(numbers).send(1, { partition: 0 });
		const member = await other.consumerGroup("g", { topics: [numbers], from: "earliest" }).join();
		const stuck: string[] = [];
		member.on("stuck", (_, error) => void stuck.push(error.message)).on("error", () => {});
		flaky.grant("numbers", 0);
		const running = member.run(
			() => {
				down = 2;
				throw new Error("bad");
			},
			{ retry: { retries: 0 }, onFailure: deadLetter("dead"), commitIntervalMs: 10 },
		);
		await expect.poll(() => flaky.committedOf(0)).toBe(1n);
		expect(stuck).toEqual([]);
		await member.close();
		await running;
		await other.close();
	});
});
