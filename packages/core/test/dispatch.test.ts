// No handler starts for a partition that is not, or no longer, this member's: at retries, after slow decoding, while paused.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, type Message, topic } from "../src/index.ts";
import { ScriptedGroup, scriptedBroker } from "./scripted-group.ts";

const numbers = topic<number>("numbers", { partitions: 2 });
const AT = { topic: "numbers", index: 0 };
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe("a member", () => {
	let script: ScriptedGroup;
	let broker: Broker;

	beforeEach(async () => {
		script = new ScriptedGroup();
		broker = await scriptedBroker(script);
		await broker.topics.ensure(numbers);
	});
	afterEach(() => broker.close({ deadlineMs: 100 }));

	const send = (count: number, key?: (i: number) => string, partition = 0) =>
		broker.producer(numbers).sendBatch(Array.from({ length: count }, (_, i) => ({ value: i, partition, ...(key ? { key: key(i) } : {}) })));
	const group = (of = numbers) => broker.consumerGroup("g", { topics: [of], from: "earliest" });

	it("does not try a message again while its lease does not hold", async () => {
		await send(1);
		const member = await group().join();
		script.grant("numbers", 0);
		const attempts: number[] = [];
		void member.run(
			({ attempt }) => {
				attempts.push(attempt);
				script.lease = false;
				if (attempt === 1) throw new Error("once");
			},
			{ retry: { initialDelayMs: 5 } },
		);
		await expect.poll(() => attempts).toEqual([1]);
		await pause(60);
		expect(attempts).toEqual([1]);
		script.lease = true;
		await expect.poll(() => attempts).toEqual([1, 2]);
	});

	const slowly = () => {
		const decoded = Promise.withResolvers<void>();
		let decoding = 0;
		const slow = topic<number>("numbers", {
			partitions: 2,
			value: {
				"~standard": {
					version: 1,
					vendor: "test",
					validate: async (value) => {
						decoding++;
						await decoded.promise;
						return { value: value as number };
					},
				},
			},
		});
		return { slow, go: () => decoded.resolve(), decoding: () => decoding };
	};

	it.each(["run", "runBatches", "for await"])(
		"%s delivers no message that was being decoded when a seek moved away from it",
		async (way) => {
			await send(3);
			const { slow, go, decoding } = slowly();
			const member = await group(slow).join();
			script.grant("numbers", 0);
			const seen: number[] = [];
			const see = (message: Message<number>) => void seen.push(message.value);
			if (way === "run") void member.run(see);
			else if (way === "runBatches") void member.runBatches(({ messages }) => messages.forEach(see));
			else
				void (async () => {
					for await (const message of member) see(message);
				})();
			await expect.poll(decoding).toBeGreaterThan(0);
			await member.seek({ offset: 2n }, [AT]);
			go();
			await expect.poll(() => seen.length).toBeGreaterThan(0);
			expect(seen).toEqual([2]);
		},
	);

	it("starts no handler for a message that was being decoded when the partition was lost", async () => {
		await send(2);
		const { slow, go, decoding } = slowly();
		const member = await group(slow).join();
		script.grant("numbers", 0);
		const seen: number[] = [];
		void member.run(({ value }) => void seen.push(value));
		await expect.poll(decoding).toBeGreaterThan(0);
		script.lose("numbers", 0);
		go();
		await pause(30);
		expect(seen).toEqual([]);
	});

	it("starts no message that waits behind its key while the partition is paused", async () => {
		await send(4, () => "hot");
		await send(1, () => "cold", 1);
		const member = await group().join();
		script.grant("numbers", 0, 1);
		const seen: string[] = [];
		member.pause([{ topic: "numbers", index: 1 }]);
		void member.run(
			async ({ value, partition }) => {
				seen.push(`${partition.index}:${value}`);
				await pause(5);
				if (seen.length === 1) {
					member.pause([AT]);
					member.resume([{ topic: "numbers", index: 1 }]);
				}
			},
			{ order: "key", concurrency: 2 },
		);
		await expect.poll(() => seen).toContain("1:0");
		await pause(30);
		expect(seen).toEqual(["0:0", "1:0"]);
		member.resume([AT]);
		await expect.poll(() => seen).toEqual(["0:0", "1:0", "0:1", "0:2", "0:3"]);
	});

	it("lets a message in back-off keep no other partition waiting, whatever the concurrency", async () => {
		await send(1);
		await send(2, undefined, 1);
		const member = await group().join();
		member.pause([{ topic: "numbers", index: 1 }]);
		script.grant("numbers", 0, 1);
		const seen: string[] = [];
		void member.run(
			({ partition, value }) => {
				seen.push(`${partition.index}:${value}`);
				member.resume([{ topic: "numbers", index: 1 }]);
				if (partition.index === 0) throw new Error("bad");
			},
			{ concurrency: 1, retry: { retries: Infinity, initialDelayMs: 60_000 } },
		);
		await expect.poll(() => seen).toContain("1:1");
		expect(seen.filter((one) => one.startsWith("0"))).toEqual(["0:0"]);
	});

	it("gives a partition up although a handler waits for a commit behind a message that will not be processed here", async () => {
		await send(2, (i) => `key${i}`);
		const member = await group().join({ commit: "manual" });
		script.grant("numbers", 0);
		const seen = new Set<number>();
		void member.run(
			async (message) => {
				seen.add(message.value);
				if (message.value === 0) throw new Error("bad");
				await member.commit(message);
			},
			{ order: "key", retry: { retries: Infinity, initialDelayMs: 60_000 } },
		);
		await expect.poll(() => seen.size).toBe(2);
		const released = script.revoke("numbers", 0).then(() => "released");
		await expect(Promise.race([released, pause(10_000).then(() => "hangs")])).resolves.toBe("released");
	});

	it("commits the last message of a batch from within its handler", async () => {
		await send(5);
		const member = await group().join({ commit: "manual" });
		script.grant("numbers", 0);
		let committed = false;
		void member.runBatches(async ({ messages }) => {
			await member.commit(messages.at(-1));
			committed = true;
		});
		await expect.poll(() => committed).toBe(true);
		expect(script.committedOf(0)).toBe(5n);
	});

	it("never takes a commit back that the application made ahead of its handlers", async () => {
		await send(5);
		const member = await group().join({ commitIntervalMs: 5 });
		script.grant("numbers", 0);
		const hold = Promise.withResolvers<void>();
		void member.run(async ({ value }) => {
			if (value === 4) await hold.promise;
			if (value !== 3) return;
			await member.commit(new Map([[AT, 4n]]));
			await pause(30);
		});
		await expect.poll(() => script.committedOf(0)).toBe(4n);
		const offsets = script.commits.map((commit) => commit.offset);
		expect(offsets).toEqual([...offsets].sort((a, b) => Number(a - b)));
	});

	it("says that a handler returned only when none of that ownership runs any more", async () => {
		await send(2, (i) => `key${i}`);
		const member = await group().join({ maxHandlerMs: 30 });
		member.on("error", () => {});
		script.grant("numbers", 0);
		const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		void member.run(({ value }) => ends[value]?.promise, { order: "key" });
		await expect.poll(() => script.abandoned).toHaveLength(1);
		await pause(20);
		ends[1]?.resolve();
		await pause(20);
		expect(script.gaveBack).toEqual([]);
		ends[0]?.resolve();
		await expect.poll(() => script.gaveBack).toEqual([AT]);
		expect(script.abandoned).toEqual([AT]);
	});

	it("gives a partition up that it was granted anew while a handler of its earlier ownership hangs", async () => {
		await send(1);
		const member = await group().join({ maxHandlerMs: 50 });
		member.on("error", () => {});
		script.grant("numbers", 0);
		const started = Promise.withResolvers<void>();
		const end = Promise.withResolvers<void>();
		void member.run(() => {
			started.resolve();
			return end.promise;
		});
		// Not polled for: 50 ms later the first ownership is given up.
		await started.promise;
		script.lose("numbers", 0);
		script.grant("numbers", 0);
		await expect.poll(() => script.abandoned).toEqual([AT]);
		expect(member.assignment).toEqual([]);
		// And again, if the coordinator gives it back although the handler still hangs.
		script.grant("numbers", 0);
		await expect.poll(() => script.abandoned).toEqual([AT, AT]);
		end.resolve();
		await expect.poll(() => script.gaveBack.length).toBeGreaterThan(0);
	});

	it("does not start partitions whose onAssigned hook threw after it had sought, until they are resumed", async () => {
		await send(4);
		const member = await group().join({
			onAssigned: async (partitions, one) => {
				await one.seek({ offset: 2n }, partitions);
				throw new Error("in the hook");
			},
		});
		member.on("stuck", () => {});
		const seen: number[] = [];
		void member.run(({ value }) => void seen.push(value));
		script.grant("numbers", 0);
		await expect.poll(() => member.state(AT)).toBe("stopped");
		await pause(40);
		expect(member.state(AT)).toBe("stopped");
		expect(seen).toEqual([]);
		member.resume([AT]);
		await expect.poll(() => seen).toEqual([2, 3]);
	});

	it("commits where the group begins also if onAssigned seeks: the next owner must not begin later", async () => {
		await send(4);
		const seen: number[] = [];
		const member = await broker
			.consumerGroup("g", { topics: [numbers], from: "latest" })
			.join({ onAssigned: (partitions, one) => one.seek({ offset: 2n }, partitions) });
		void member.run(async ({ value }, { signal }) => {
			seen.push(value);
			await new Promise((resolve) => signal.addEventListener("abort", resolve));
		});
		script.grant("numbers", 0);
		await expect.poll(() => seen).toEqual([2]);
		expect(script.commits).toMatchObject([{ partition: AT, offset: 4n }]);
	});

	it("works a partition that was resumed just before run was called", async () => {
		await send(1);
		let broken = true;
		const member = await group().join({
			onAssigned: () => {
				if (broken) throw new Error("in the hook");
			},
		});
		member.on("stuck", () => {});
		script.grant("numbers", 0);
		await expect.poll(() => member.state(AT)).toBe("stopped");
		await pause(10);
		broken = false;
		member.resume([AT]);
		const seen: number[] = [];
		void member.run(({ value }) => void seen.push(value));
		await expect.poll(() => seen).toEqual([0]);
	});

	it("resumes everything it paused when it resumes without naming partitions", async () => {
		await send(1);
		const member = await group().join();
		script.grant("numbers", 0);
		await expect.poll(() => member.state(AT)).toBe("running");
		member.pause();
		script.lose("numbers", 0);
		member.resume();
		script.grant("numbers", 0);
		await expect.poll(() => member.state(AT)).toBe("running");
	});
});
