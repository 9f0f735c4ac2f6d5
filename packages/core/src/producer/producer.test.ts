import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ProducerClock } from "../../test/producer-clock.ts";
import { allOk, type Append, DriverError, failing, ScriptedAppender, texts } from "../../test/scripted-appender.ts";
import type { ProducerOptions, Receipt } from "../api/producer.ts";
import type { TopicDefinition } from "../api/topic.ts";
import type { Capabilities } from "../capabilities.ts";
import type { AppendOutcome } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import { topic } from "../topic.ts";
import { createProducer } from "./producer.ts";

interface Given {
	readonly partitions?: number;
	readonly options?: ProducerOptions;
	readonly definition?: TopicDefinition<string>;
	readonly capabilities?: Partial<Capabilities>;
	readonly ensureTopic?: () => Promise<number>;
}

function given({ partitions = 1, options, definition, capabilities, ensureTopic }: Given = {}) {
	const clock = new ProducerClock();
	const driver = new ScriptedAppender(allOk, capabilities);
	const random = { fraction: () => 0.5, hex: (bytes: number) => "ab".repeat(bytes) };
	let lookups = 0;
	const parts = {
		driver,
		clock,
		random,
		wrap: driver.wrap,
		ensureTopic: () => {
			lookups++;
			return ensureTopic?.() ?? Promise.resolve(partitions);
		},
	};
	return { clock, driver, parts, producer: createProducer(topic("orders", definition), parts, options), lookups: () => lookups };
}

/** An append that ends when the test says so. */
function held(driver: ScriptedAppender): { finish: (outcome?: AppendOutcome) => void; fail: (error: unknown) => void } {
	const control = { finish: (_outcome?: AppendOutcome) => {}, fail: (_error: unknown) => {} };
	driver.script = ({ records }) =>
		new Promise((resolve, reject) => {
			control.finish = (outcome = { status: "ok" }) => {
				driver.script = allOk;
				resolve(records.map(() => outcome));
			};
			control.fail = reject;
		});
	return control;
}

function code(settled: PromiseSettledResult<unknown> | undefined): string | undefined {
	return settled?.status === "rejected" && settled.reason instanceof PolylogError ? settled.reason.code : settled?.status;
}

async function outcomeOf(promise: Promise<unknown>): Promise<PolylogError> {
	const [settled] = await Promise.allSettled([promise]);
	if (settled?.status !== "rejected" || !(settled.reason instanceof PolylogError)) throw new Error("expected a PolylogError");
	return settled.reason;
}

describe("batches", () => {
	test("what is sent in one turn of the event loop goes in one append, in order", async () => {
		const { driver, producer } = given();
		const receipts = await Promise.all(["a", "b", "c"].map((value) => producer.send(value)));
		expect(driver.appends.map(texts)).toEqual([['"a"', '"b"', '"c"']]);
		expect(receipts[0]).toEqual({ status: "ok", partition: { topic: "orders", index: 0 } });
	});

	test("a batch has no more records and bytes than allowed", async () => {
		const { driver, producer } = given({ options: { maxBatchRecords: 3, maxBatchBytes: 200 } });
		await producer.sendBatch(["1", "2", "3", "4", "x".repeat(150), "y".repeat(150), "z".repeat(1000)].map((value) => ({ value })));
		expect(driver.appends.map((append) => append.records.length)).toEqual([3, 2, 1, 1]);
		expect(driver.appends.flatMap(texts)).toHaveLength(7);
	});

	test("with linger a batch waits for company, and flush does not", async () => {
		const { clock, driver, producer } = given({ options: { lingerMs: 50 } });
		const first = producer.send("a");
		await clock.advance(30);
		const second = producer.send("b");
		await clock.advance(19);
		expect(driver.appends).toHaveLength(0);
		await clock.advance(1);
		await Promise.all([first, second]);
		expect(driver.appends.map(texts)).toEqual([['"a"', '"b"']]);
		const third = producer.send("c");
		await producer.flush();
		await third;
		expect(driver.appends).toHaveLength(2);
	});

	test("one append of a partition is under way at a time; others do not wait for it", async () => {
		const { clock, driver, producer } = given({ partitions: 2 });
		const append = held(driver);
		const slow = producer.send("a", { partition: 0 });
		await clock.settle();
		driver.script = allOk;
		const behind = producer.send("b", { partition: 0 });
		await producer.send("c", { partition: 1 });
		expect(driver.appends).toHaveLength(2);
		append.finish();
		await Promise.all([slow, behind]);
		expect(driver.mostAtOnce).toBe(1);
		expect(driver.appends.map((each) => [each.partition.index, each.producer.sequence])).toEqual([
			[0, 0],
			[1, 0],
			[0, 1],
		]);
	});
});

describe("flush and linger", () => {
	test("a message that waits for the lookup or for room does not linger after a flush", async () => {
		const { clock, driver, producer } = given({ options: { lingerMs: 60_000, maxBufferedBytes: 25 } });
		const sent = Promise.all(["a", "b", "c"].map((value) => producer.send(value)));
		await producer.flush();
		expect((await sent).map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
		expect(clock.now()).toBeLessThan(60_000);
		expect(driver.appends.map(texts)).toEqual([['"a"'], ['"b"'], ['"c"']]);
	});
});

describe("outcomes", () => {
	test("an unknown append is repeated unchanged, under its sequence, and nothing overtakes it", async () => {
		const { clock, driver, producer } = given();
		let tries = 0;
		driver.script = (append) => (++tries < 4 ? failing("CONNECTION_LOST") : allOk(append));
		const first = producer.send("a");
		await clock.settle();
		const second = producer.send("b");
		await clock.advance(10_000);
		await Promise.all([first, second]);
		expect(driver.appends.map(texts)).toEqual([['"a"'], ['"a"'], ['"a"'], ['"a"'], ['"b"']]);
		expect(driver.appends.map((append) => append.producer.sequence)).toEqual([0, 0, 0, 0, 1]);
	});

	test("a failed record fails alone", async () => {
		const { driver, producer } = given();
		driver.script = ({ records }) =>
			records.map((_, i) =>
				i === 1 ? { status: "failed", error: new DriverError("MESSAGE_TOO_LARGE") } : { status: "ok", offset: BigInt(i) },
			);
		const receipts = await producer.sendBatch(["a", "b", "c"].map((value) => ({ value })));
		expect(receipts.map(({ status }) => status)).toEqual(["ok", "failed", "ok"]);
		expect(receipts[2]).toMatchObject({ offset: 2n });
		expect(receipts[1]).toMatchObject({ error: { code: "MESSAGE_TOO_LARGE", context: { topic: "orders", partition: 0 } } });
		driver.script = allOk;
		await producer.send("d");
		expect(driver.appends[1]?.producer.sequence).toBe(3);
	});

	test("of a mixed append only the unknown records are repeated, each under its own sequence", async () => {
		const { clock, driver, producer } = given();
		const unknown: AppendOutcome = { status: "unknown", error: new DriverError("TIMEOUT") };
		const failed: AppendOutcome = { status: "failed", error: new DriverError("MESSAGE_TOO_LARGE") };
		driver.script = () => {
			driver.script = allOk;
			return [{ status: "ok" }, unknown, failed, unknown];
		};
		const receipts = producer.sendBatch(["a", "b", "c", "d"].map((value) => ({ value })));
		await clock.advance(1000);
		expect((await receipts).map(({ status }) => status)).toEqual(["ok", "ok", "failed", "ok"]);
		expect(driver.appends.slice(1).map((append) => [append.producer.sequence, ...texts(append)])).toEqual([
			[1, '"b"'],
			[3, '"d"'],
		]);
	});

	test("an error that no repeating helps settles at once: unknown, if the append may have been stored", async () => {
		const { driver, producer } = given();
		driver.script = () => failing("UNAUTHORIZED");
		const [receipt] = await producer.sendBatch([{ value: "a" }]);
		expect(receipt).toMatchObject({ status: "unknown", error: { code: "UNAUTHORIZED" } });
	});

	test("a refused record (back-pressure) is tried again until there is room", async () => {
		const { clock, driver, producer } = given();
		let tries = 0;
		driver.script = (append) =>
			++tries < 3 ? append.records.map(() => ({ status: "failed", error: new DriverError("BACKPRESSURE") })) : allOk(append);
		const sent = producer.send("a");
		await clock.advance(1000);
		expect((await sent).status).toBe("ok");
		expect(tries).toBe(3);
	});

	test("an adapter that tells too few outcomes has the rest repeated", async () => {
		const { clock, driver, producer } = given();
		driver.script = () => {
			driver.script = allOk;
			return [{ status: "ok" }];
		};
		const receipts = producer.sendBatch([{ value: "a" }, { value: "b" }]);
		await clock.advance(1000);
		expect((await receipts).map(({ status }) => status)).toEqual(["ok", "ok"]);
		expect(driver.appends.map(texts)).toEqual([['"a"', '"b"'], ['"b"']]);
	});
});

describe("deadlines", () => {
	test("a message that was never sent fails with TIMEOUT; one whose outcome never came is unknown", async () => {
		const { clock, driver, producer } = given({ options: { deliveryTimeoutMs: 1000, maxBatchRecords: 1 } });
		held(driver);
		const receipts = producer.sendBatch([{ value: "a" }, { value: "b" }]);
		await clock.advance(1001);
		expect(await receipts).toMatchObject([
			{ status: "unknown", error: { code: "TIMEOUT", message: expect.stringContaining("may be stored") } },
			{ status: "failed", error: { code: "TIMEOUT", message: expect.stringContaining("was not sent") } },
		]);
		expect(driver.appends[0]?.signal?.aborted).toBe(true);
	});

	test("a batch given up as unknown keeps its numbers: the next one has others", async () => {
		const { clock, driver, producer } = given({ options: { deliveryTimeoutMs: 1000 } });
		driver.script = () => failing("CONNECTION_LOST");
		const lost = outcomeOf(producer.send("a"));
		await clock.advance(1001);
		expect((await lost).message).toContain("scripted CONNECTION_LOST");
		driver.script = allOk;
		await producer.send("b");
		expect(driver.appends.at(-1)?.producer.sequence).toBe(1);
	});

	test("while an append hangs whose messages were given up, nothing else of the partition is sent", async () => {
		const { clock, driver, producer } = given({ options: { deliveryTimeoutMs: 1000 } });
		const append = held(driver);
		const lost = outcomeOf(producer.send("a"));
		await clock.advance(1001);
		await lost;
		driver.script = allOk;
		const next = producer.send("b");
		await clock.advance(500);
		expect(driver.appends).toHaveLength(1);
		append.fail(new DriverError("TIMEOUT"));
		await next;
		expect(driver.mostAtOnce).toBe(1);
	});

	test("only refusals until the deadline: failed, since nothing was ever stored", async () => {
		const { clock, driver, producer } = given({ options: { deliveryTimeoutMs: 1000 } });
		driver.script = ({ records }) => records.map(() => ({ status: "failed", error: new DriverError("BACKPRESSURE") }));
		const receipts = producer.sendBatch([{ value: "a" }]);
		await clock.advance(2000);
		expect(await receipts).toMatchObject([{ status: "failed", error: { code: "TIMEOUT" } }]);
	});

	test("no timer is left when everything is settled", async () => {
		const { clock, producer } = given({ options: { lingerMs: 5 } });
		const sent = producer.send("a");
		await clock.advance(10);
		await sent;
		await clock.settle();
		expect(clock.timers).toBe(0);
	});
});

describe("back-pressure", () => {
	const SIZE = 16 + 12;

	test("send waits for room, first come first served", async () => {
		const { clock, driver, producer } = given({ options: { maxBufferedBytes: 2 * SIZE } });
		const append = held(driver);
		const sent = ["a", "b", "c", "d", "e"].map((letter) => producer.send(letter.repeat(10)));
		await clock.settle();
		expect(driver.appends.map((each) => each.records.length)).toEqual([2]);
		append.finish();
		await Promise.all(sent);
		expect(driver.appends.flatMap(texts).join("")).toBe(
			["a", "b", "c", "d", "e"].map((letter) => JSON.stringify(letter.repeat(10))).join(""),
		);
	});

	test("or fails with BUFFER_FULL, if asked to", async () => {
		const { clock, driver, producer } = given({ options: { maxBufferedBytes: 2 * SIZE, onFull: "fail" } });
		const append = held(driver);
		const sent = Promise.allSettled(["a", "b", "c"].map((letter) => producer.send(letter.repeat(10))));
		await clock.settle();
		append.finish();
		expect((await sent).map(code)).toEqual(["fulfilled", "fulfilled", "BUFFER_FULL"]);
	});

	test("a list of any length is taken as there is room for it", async () => {
		const { clock, driver, producer } = given({ options: { maxBufferedBytes: 10 * SIZE } });
		let taken = 0;
		const append = held(driver);
		const receipts = producer.sendBatch(
			(function* () {
				for (; taken < 5000; taken++) yield { value: "x".repeat(10) };
			})(),
		);
		await clock.settle();
		expect(taken).toBeLessThan(12);
		append.finish();
		const all = await receipts;
		expect(all).toHaveLength(5000);
		expect(all.every(({ status }) => status === "ok")).toBe(true);
	});

	test("a message larger than the whole buffer goes alone", async () => {
		const { producer } = given({ options: { maxBufferedBytes: 10 } });
		expect((await producer.sendBatch([{ value: "x".repeat(100) }, { value: "y".repeat(100) }])).map(({ status }) => status)).toEqual([
			"ok",
			"ok",
		]);
	});

	test("waiting for room ends at the delivery deadline", async () => {
		const { clock, driver, producer } = given({ options: { maxBufferedBytes: SIZE, deliveryTimeoutMs: 1000 } });
		held(driver);
		const sent = Promise.allSettled([producer.send("a".repeat(10)), producer.send("b".repeat(10))]);
		const list = producer.sendBatch([{ value: "c" }, { value: "d" }]);
		await clock.advance(2500);
		expect((await sent).map(code)).toEqual(["TIMEOUT", "TIMEOUT"]);
		expect((await list).map(({ status }) => status)).toEqual(["failed", "failed"]);
	});
});

describe("signals", () => {
	test("a message that waits is withdrawn, and its room and place are free", async () => {
		const { clock, driver, producer } = given({ options: { maxBatchRecords: 1 } });
		const append = held(driver);
		const first = producer.send("a");
		await clock.settle();
		const abort = new AbortController();
		const second = outcomeOf(producer.send("b", { signal: abort.signal }));
		const third = producer.send("c");
		abort.abort(new Error("enough"));
		expect(await second).toMatchObject({ code: "ABORTED", message: expect.stringContaining("was not sent"), cause: { message: "enough" } });
		append.finish();
		await Promise.all([first, third]);
		expect(driver.appends.map(texts)).toEqual([['"a"'], ['"c"']]);
		expect(driver.appends[1]?.producer.sequence).toBe(1);
	});

	test("a message that waits for room is withdrawn", async () => {
		const { clock, driver, producer } = given({ options: { maxBufferedBytes: 1 } });
		const append = held(driver);
		const first = producer.send("a");
		const abort = new AbortController();
		const second = outcomeOf(producer.send("b", { signal: abort.signal }));
		const third = producer.send("c");
		await clock.settle();
		abort.abort();
		expect((await second).code).toBe("ABORTED");
		append.finish();
		await Promise.all([first, third]);
		expect(driver.appends.map(texts)).toEqual([['"a"'], ['"c"']]);
	});

	test("after it was handed to the driver its outcome is unknown, and its neighbours are not disturbed", async () => {
		const { clock, driver, producer } = given();
		const append = held(driver);
		const abort = new AbortController();
		const given1 = outcomeOf(producer.send("a", { signal: abort.signal }));
		const other = producer.send("b");
		await clock.settle();
		abort.abort();
		expect(await given1).toMatchObject({ code: "ABORTED", message: expect.stringContaining("may be stored") });
		expect(driver.appends[0]?.signal?.aborted).toBe(false);
		append.finish();
		expect((await other).status).toBe("ok");
	});

	test("nothing is sent under a signal that aborted before", async () => {
		const { clock, driver, producer } = given();
		expect((await outcomeOf(producer.send("a", { signal: AbortSignal.abort() }))).code).toBe("ABORTED");
		expect((await outcomeOf(producer.sendBatch([{ value: "a" }], { signal: AbortSignal.abort() }))).code).toBe("ABORTED");
		await clock.settle();
		expect(driver.appends).toHaveLength(0);
	});

	test("a list is withdrawn as a whole: what was sent is unknown, the rest failed", async () => {
		const { clock, driver, producer } = given({ options: { maxBufferedBytes: 60, maxBatchRecords: 1 } });
		held(driver);
		const abort = new AbortController();
		const receipts = producer.sendBatch(
			["a", "b", "c", "d", "e"].map((value) => ({ value })),
			{ signal: abort.signal },
		);
		await clock.settle();
		abort.abort();
		expect((await receipts).map(({ status }) => status)).toEqual(["unknown", "failed", "failed", "failed", "failed"]);
	});

	test("no listener is left on the signal", async () => {
		const { producer } = given();
		let listeners = 0;
		const { signal } = new AbortController();
		const add = signal.addEventListener.bind(signal);
		const remove = signal.removeEventListener.bind(signal);
		signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => (listeners++, add(...args));
		signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>) => (listeners--, remove(...args));
		await producer.send("a", { signal });
		await producer.sendBatch([{ value: "b" }], { signal });
		expect(listeners).toBe(0);
	});
});

describe("partitions", () => {
	test("a key goes to the partition Kafka's Java client would choose", async () => {
		const { driver, producer } = given({ partitions: 12, definition: { key: (value) => value } });
		await producer.send("21");
		expect(driver.appends[0]?.partition.index).toBe((-973932308 & 0x7fffffff) % 12);
		expect(Buffer.from(driver.appends[0]?.records[0]?.key ?? []).toString()).toBe("21");
	});

	test("an explicit partition, then the topic's partitioner, then the key decide", async () => {
		const { driver, producer } = given({ partitions: 4, definition: { partitioner: (key) => (key ? 2 : undefined) } });
		await producer.send("a", { key: "k" });
		await producer.send("a", { key: "k", partition: 3 });
		await producer.send("a");
		expect(driver.appends.map((append) => append.partition.index).slice(0, 2)).toEqual([2, 3]);
		expect(driver.appends).toHaveLength(3);
	});

	test("keyless messages stay together for a batch and go round", async () => {
		const { driver, producer } = given({ partitions: 3 });
		for (let i = 0; i < 6; i++) await Promise.all([producer.send("a"), producer.send("b")]);
		expect(driver.appends.map((append) => append.records.length)).toEqual([2, 2, 2, 2, 2, 2]);
		const indices = driver.appends.map((append) => append.partition.index);
		expect(indices.slice(0, 3).toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
		expect(indices.slice(3)).toEqual(indices.slice(0, 3));
	});

	test("a long keyless list is spread evenly", async () => {
		const { driver, producer } = given({ partitions: 4, options: { maxBatchRecords: 100 } });
		await producer.sendBatch(Array.from({ length: 4000 }, () => ({ value: "x" })));
		const counts = [0, 0, 0, 0];
		for (const { partition, records } of driver.appends) counts[partition.index] = (counts[partition.index] ?? 0) + records.length;
		expect(Math.min(...counts)).toBeGreaterThanOrEqual(800);
		expect(Math.max(...counts)).toBeLessThanOrEqual(1200);
	});

	test.each([-1, 2, 0.5])("partition %d of a topic with two is TOPIC_NOT_FOUND", async (partition) => {
		const { driver, producer } = given({ partitions: 2 });
		expect((await outcomeOf(producer.send("a", { partition }))).code).toBe("TOPIC_NOT_FOUND");
		expect(driver.appends).toHaveLength(0);
	});

	test("the number of partitions is looked up once, and again after 30 s: growth is seen", async () => {
		let partitions = 1;
		const { clock, driver, lookups, producer } = given({ ensureTopic: () => Promise.resolve(partitions) });
		await Promise.all([producer.send("a"), producer.send("b")]);
		expect(lookups()).toBe(1);
		partitions = 2;
		expect((await outcomeOf(producer.send("c", { partition: 1 }))).code).toBe("TOPIC_NOT_FOUND");
		await clock.advance(30_001);
		await producer.send("d");
		await clock.settle();
		await producer.send("e", { partition: 1 });
		expect(lookups()).toBe(2);
		expect(driver.appends.at(-1)?.partition.index).toBe(1);
	});

	test("a lookup that fails for a while delays messages; one that fails for good fails them", async () => {
		let error: DriverError | undefined = new DriverError("CONNECTION_LOST");
		const { clock, driver, producer } = given({ ensureTopic: () => (error ? Promise.reject(error) : Promise.resolve(1)) });
		const sent = producer.send("a");
		await clock.advance(1000);
		expect(driver.appends).toHaveLength(0);
		error = undefined;
		await clock.advance(5000);
		expect((await sent).status).toBe("ok");
		const other = given({ ensureTopic: () => Promise.reject(new DriverError("UNAUTHORIZED")) });
		expect((await outcomeOf(other.producer.send("a"))).code).toBe("UNAUTHORIZED");
		expect((await outcomeOf(other.producer.send("b"))).code).toBe("UNAUTHORIZED");
		expect(other.lookups()).toBe(2);
	});

	test("messages that wait for the lookup time out and can be withdrawn", async () => {
		const { clock, producer } = given({ ensureTopic: () => new Promise(() => {}), options: { deliveryTimeoutMs: 1000 } });
		const abort = new AbortController();
		const sent = Promise.allSettled([producer.send("a"), producer.send("b", { signal: abort.signal })]);
		await clock.settle();
		abort.abort();
		await clock.advance(1001);
		expect((await sent).map(code)).toEqual(["TIMEOUT", "ABORTED"]);
	});
});

describe("bad messages", () => {
	test("each fails alone, and nothing of it is sent", async () => {
		const { driver, producer } = given({ options: { maxRecordBytes: 100 }, capabilities: { tombstones: false } });
		const receipts = await producer.sendBatch([
			{ value: "fine" },
			{ value: "x".repeat(200) },
			{ value: 5n as never },
			{ value: "a", headers: { h: 5 as never } },
			{ value: "a", timestamp: NaN },
			{ value: "a", key: 5 as never },
			{ value: null as never },
			{ value: "fine too" },
		]);
		expect(receipts.map((receipt: Receipt) => (receipt.status === "ok" ? "ok" : `${receipt.status} ${receipt.error.code}`))).toEqual([
			"ok",
			"failed MESSAGE_TOO_LARGE",
			"failed CODEC_FAILED",
			"failed CODEC_FAILED",
			"failed CODEC_FAILED",
			"failed CODEC_FAILED",
			"failed UNSUPPORTED",
			"ok",
		]);
		expect(driver.appends.flatMap(texts)).toEqual(['"fine"', '"fine too"']);
	});

	test("a list that throws rejects with what it threw, after what came before is settled", async () => {
		const { driver, producer } = given();
		const list = (function* () {
			yield { value: "a" };
			throw new RangeError("the list broke");
		})();
		await expect(producer.sendBatch(list)).rejects.toThrow("the list broke");
		expect(driver.appends.flatMap(texts)).toEqual(['"a"']);
	});

	test("a schema that takes its time holds its place in the order", async () => {
		const value = z.string().refine(async (word) => {
			if (word.startsWith("slow")) await new Promise((resolve) => setImmediate(resolve));
			return !word.endsWith("bad");
		});
		const { driver, producer } = given({ definition: { value } });
		const sent = await Promise.allSettled(["slow", "fast", "slow bad", "fast 2"].map((word) => producer.send(word)));
		expect(sent.map(code)).toEqual(["fulfilled", "fulfilled", "CODEC_FAILED", "fulfilled"]);
		expect(driver.appends.flatMap(texts)).toEqual(['"slow"', '"fast"', '"fast 2"']);
		expect((await producer.sendBatch(["slow", "bad", "c"].map((word) => ({ value: word })))).map(({ status }) => status)).toEqual([
			"ok",
			"failed",
			"ok",
		]);
	});
});

describe("closing", () => {
	test("flush waits for what was sent before and not for what is sent after", async () => {
		const { clock, driver, producer } = given();
		const append = held(driver);
		const first = producer.send("a");
		let flushed = false;
		const flush = producer.flush().then(() => (flushed = true));
		await clock.settle();
		expect(flushed).toBe(false);
		const second = outcomeOf(producer.send("b"));
		append.finish();
		driver.script = () => new Promise(() => {});
		await first;
		await flush;
		expect(flushed).toBe(true);
		const closed = producer.close({ deadlineMs: 1 });
		await clock.advance(2);
		await closed;
		expect((await second).code).toBe("CLOSED");
	});

	test("close flushes; afterwards send and sendBatch are CLOSED", async () => {
		const { driver, producer } = given({ options: { lingerMs: 1000 } });
		const sent = producer.send("a");
		await producer.close();
		expect((await sent).status).toBe("ok");
		expect((await outcomeOf(producer.send("b"))).code).toBe("CLOSED");
		expect((await outcomeOf(producer.sendBatch([]))).code).toBe("CLOSED");
		await producer.close();
		await producer.flush();
		expect(driver.appends).toHaveLength(1);
	});

	test("at the deadline every promise settles: unknown what was sent, failed the rest", async () => {
		const { clock, driver, producer } = given({ options: { maxBatchRecords: 1, maxBufferedBytes: 45 } });
		held(driver);
		const receipts = producer.sendBatch(["a", "b", "c", "d"].map((value) => ({ value })));
		const late = producer.send("e");
		const settled = Promise.allSettled([late]);
		await clock.settle();
		const closed = producer.close({ deadlineMs: 100 });
		await clock.advance(101);
		await closed;
		expect((await receipts).map((receipt) => [receipt.status, receipt.status !== "ok" && receipt.error.code])).toEqual([
			["unknown", "CLOSED"],
			["failed", "CLOSED"],
			["failed", "CLOSED"],
			["failed", "CLOSED"],
		]);
		expect((await settled).map(code)).toEqual(["CLOSED"]);
		expect(driver.appends[0]?.signal?.aborted).toBe(true);
		expect(clock.timers).toBe(0);
	});

	test("close ends while the lookup of the topic hangs or fails", async () => {
		const { clock, producer } = given({ ensureTopic: () => Promise.reject(new DriverError("CONNECTION_LOST")) });
		const sent = outcomeOf(producer.send("a"));
		await clock.settle();
		const closed = producer.close({ deadlineMs: 10 });
		await clock.advance(11);
		await closed;
		expect((await sent).code).toBe("CLOSED");
		await clock.settle();
		expect(clock.timers).toBe(0);
	});
});

describe("fencing", () => {
	test("a fenced producer fails what waits, what is in hand elsewhere, and all later sends", async () => {
		const { clock, driver, producer } = given({ partitions: 2, options: { maxBatchRecords: 1 } });
		driver.script = ({ records, partition }: Append) =>
			partition.index === 0 ? records.map(() => ({ status: "failed", error: new DriverError("FENCED") })) : failing("CONNECTION_LOST");
		const sent = Promise.allSettled([
			producer.send("a", { partition: 0 }),
			producer.send("b", { partition: 0 }),
			producer.send("c", { partition: 1 }),
		]);
		await clock.settle();
		expect((await sent).map(code)).toEqual(["FENCED", "FENCED", "FENCED"]);
		expect((await outcomeOf(producer.send("d", { partition: 1 }))).code).toBe("FENCED");
		await producer.close();
	});
});

test.each([{ maxBatchRecords: 0 }, { lingerMs: -1 }, { deliveryTimeoutMs: NaN }, { onFull: "grow" as never }, { maxBufferedBytes: 0 }])(
	"%j is a RangeError at creation",
	(options) => {
		expect(() => given({ options })).toThrow(RangeError);
	},
);

test("an option that does not exist is a TypeError", () => {
	expect(() => given({ options: { linger: 5 } as never })).toThrow(/no option "linger"/);
});
