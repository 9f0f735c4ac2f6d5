import { type Driver, type JournalEntry, type JournalLog, JournalPlaceLost, type JournalStore, recordDigest } from "@polylog/core/driver";
import { startProxy } from "@polylog/integration";
import { describe, expect, it } from "vitest";
import { nativeClient, quickestOfThree, records, take, TestProducer, uniqueName, servers, useRedis } from "./harness.ts";

describe.each(servers)("on $title", (provider) => {
	const redis = useRedis(provider);

	function journalsOf(driver: Driver): JournalStore {
		if (driver.groups.kind !== "journal") throw new Error("expected journals");
		return driver.groups.journals;
	}

	async function openJournal(): Promise<{ driver: Driver; journal: JournalLog; group: string; key: string }> {
		const driver = await redis.session.driver();
		const group = uniqueName("group");
		return { driver, journal: await journalsOf(driver).open(group), group, key: `polylog:{group:${group}}:journal` };
	}

	const append = (journal: JournalLog, text: string) => journal.append(Buffer.from(text), journal.connection);

	describe("a journal", () => {
		it("gives entries back in order to every reader, from the start and from a cursor", async () => {
			const { journal, group } = await openJournal();
			for (let at = 0; at < 2500; at += 1) await append(journal, `e${at}`);
			const other = await journalsOf(await redis.session.driver()).open(group);
			const texts: string[] = [];
			for (let cursor; texts.length < 2500;) {
				const entries = await other.read(cursor, 100);
				texts.push(...entries.map(({ bytes }) => String(bytes)));
				cursor = entries.at(-1);
			}
			expect(texts).toEqual(Array.from({ length: 2500 }, (_, at) => `e${at}`));
		});

		it("wakes a reader that waits, keeps binary entries, and comes back empty in time", async () => {
			const { journal } = await openJournal();
			const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
			const started = performance.now();
			expect(await journal.read(undefined, 120)).toEqual([]);
			expect(performance.now() - started).toBeGreaterThan(100);
			let cursor: JournalEntry | undefined;
			const tookMs = await quickestOfThree(async () => {
				const waiting = journal.read(cursor, 30_000);
				await new Promise((resolve) => setTimeout(resolve, 30));
				const sent = performance.now();
				await journal.append(bytes, journal.connection);
				cursor = (await waiting)[0]!;
				const took = performance.now() - sent;
				expect(cursor.bytes).toEqual(bytes);
				return took;
			});
			// Without being woken it looks after a second.
			expect(tookMs).toBeLessThan(700);
		});

		it("stops waiting by signal and by close", async () => {
			const { journal } = await openJournal();
			const abort = new AbortController();
			const aborted = journal.read(undefined, 10_000, abort.signal);
			abort.abort(new Error("enough"));
			await expect(aborted).rejects.toThrow("enough");
			const closed = journal.read(undefined, 10_000);
			await journal.close();
			expect(await closed).toEqual([]);
		});

		it("tells a lost place: entry gone, entry changed, journal made again while waiting", async () => {
			const { journal, key } = await openJournal();
			for (const text of ["a", "b", "c"]) await append(journal, text);
			const [a, b, c] = await journal.read(undefined, 0);
			expect((await journal.read(b, 0)).map(({ bytes }) => String(bytes))).toEqual(["c"]);
			await expect(journal.read({ position: b!.position, bytes: Buffer.from("x") }, 0)).rejects.toBeInstanceOf(JournalPlaceLost);
			await journal.truncateBefore(b!.position);
			await expect(journal.read(a, 0)).rejects.toBeInstanceOf(JournalPlaceLost);
			const waiting = journal.read(c, 30_000);
			await redis.session.redis().del(key);
			await expect(waiting).rejects.toBeInstanceOf(JournalPlaceLost);
		});

		it("knows its bounds, and whether anything was ever removed", async () => {
			const { journal } = await openJournal();
			expect(await journal.bounds()).toEqual({ first: undefined, last: undefined, complete: true });
			for (const text of ["a", "b", "c"]) await append(journal, text);
			const [a, b, c] = await journal.read(undefined, 0);
			expect(await journal.bounds()).toEqual({ first: a!.position, last: c!.position, complete: true });
			await journal.truncateBefore(b!.position);
			expect(await journal.bounds()).toEqual({ first: b!.position, last: c!.position, complete: false });
			await journal.truncateBefore(c!.position + 1n);
			expect(await journal.bounds()).toEqual({ first: undefined, last: undefined, complete: false });
		});

		it("is listed, found and deleted by its group; looking does not create it", async () => {
			const { driver, journal, group } = await openJournal();
			const journals = journalsOf(driver);
			await append(journal, "a");
			expect(await journals.find(uniqueName("none"))).toBeUndefined();
			expect(await journals.list()).toContain(group);
			expect(await (await journals.find(group))!.read(undefined, 0)).toHaveLength(1);
			expect(await journals.delete(group)).toBe(true);
			expect(await journals.delete(group)).toBe(false);
			expect(await journals.list()).not.toContain(group);
			// Members that go on after that make the group again, for everybody to see.
			await append(journal, "b");
			expect(await journals.list()).toContain(group);
		});

		it("appends only on the connection named, whose number rises with each reconnect", async () => {
			await using proxy = await startProxy(redis.broker);
			const driver = await redis.session.driver({}, `redis://127.0.0.1:${proxy.port}`);
			const journal = await journalsOf(driver).open(uniqueName("group"));
			const { connection } = journal;
			await journal.append(Buffer.from("a"), connection);
			proxy.cut();
			await expect.poll(() => journal.connection, { timeout: 20_000 }).toBe(connection + 1);
			await expect(journal.append(Buffer.from("b"), connection)).rejects.toMatchObject({ code: "CONNECTION_LOST" });
			await expect(journal.prove([], connection)).rejects.toMatchObject({ code: "CONNECTION_LOST" });
			await journal.append(Buffer.from("c"), journal.connection);
			expect((await journal.read(undefined, 0)).map(({ bytes }) => String(bytes))).toEqual(["a", "c"]);
		});

		it("proves records: unchanged or gone by retention is true; changed, beyond the end, or without a topic is false", async () => {
			const { driver, journal } = await openJournal();
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 1, retention: { records: 16 } });
			const partition = { topic, index: 0 };
			const producer = new TestProducer(driver, partition);
			await producer.append(records(0, 10));
			const [third] = (await take(driver.openReader(partition, 0n), 4)).slice(3);
			const proof = { partition, offset: 3n, digest: recordDigest(third!) };
			const prove = (...proofs: (typeof proof)[]) => journal.prove(proofs, journal.connection);
			expect(await prove(proof)).toBe(true);
			expect(await prove()).toBe(true);
			expect(await prove(proof, { ...proof, digest: "other" })).toBe(false);
			expect(await prove({ ...proof, offset: 10n })).toBe(false);
			expect(await prove({ ...proof, partition: { topic: uniqueName("none"), index: 0 } })).toBe(false);
			for (let at = 10; at < 60; at += 10) await producer.append(records(at, 10));
			expect(await prove(proof)).toBe(true);
			await driver.topics.delete(topic);
			await driver.topics.create(topic, { partitions: 1 });
			expect(await prove(proof)).toBe(false);
		});

		it("appends also when the server forgot its scripts", async () => {
			const { driver, journal } = await openJournal();
			await append(journal, "a");
			await nativeClient(driver).script("FLUSH");
			await append(journal, "b");
			expect(await journal.read(undefined, 0)).toHaveLength(2);
		});
	});

	describe("mirrored commits", () => {
		async function groupsOf(key: string): Promise<Record<string, unknown>[]> {
			const rows = (await redis.session.redis().xinfo("GROUPS", key)) as unknown[][];
			return rows.map(
				(row) =>
					Object.fromEntries(row.flatMap((name, at) => (at % 2 === 0 ? [[String(name), row[at + 1]]] : []))) as Record<string, unknown>,
			);
		}

		it("show in XINFO GROUPS with the right lag, move both ways, and go with the group", async () => {
			const { driver, group } = await openJournal();
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 2 });
			const key = `{${topic}:0}`;
			await new TestProducer(driver, { topic, index: 0 }).append(records(0, 10));
			const mirror = (offset: bigint) =>
				journalsOf(driver).mirror!(group, [
					[{ topic, index: 0 }, offset],
					[{ topic, index: 1 }, 0n],
				]);
			for (const [offset, lag] of [
				[4n, 6],
				[10n, 0],
				[0n, 10],
			] as const) {
				await mirror(offset);
				expect(await groupsOf(key)).toMatchObject(
					[{ name: group, "last-delivered-id": `0-${offset}`, "entries-read": Number(offset) || null, lag }].map((row) =>
						offset === 0n ? { name: group, "last-delivered-id": "0-0", lag } : row,
					),
				);
			}
			await journalsOf(driver).delete(group);
			expect(await groupsOf(key)).toEqual([]);
		});

		it("never move the consumer groups of an adopted stream", async () => {
			const key = uniqueName("foreign");
			const client = redis.session.redis();
			await client.xadd(key, "5-0", "n", 1);
			await client.xgroup("CREATE", key, "billing", "0");
			const driver = await redis.session.driver({ adopt: { events: key } });
			await journalsOf(driver).mirror!("billing", [[{ topic: "events", index: 0 }, 5n * (1n << 64n) + 1n]]);
			expect((await groupsOf(key)).map((row) => [row["name"], row["last-delivered-id"]])).toEqual([
				["billing", "0-0"],
				["polylog:billing", "5-0"],
			]);
		});

		it("are best effort: a topic that is gone is no error", async () => {
			const { driver, group } = await openJournal();
			await journalsOf(driver).mirror!(group, [[{ topic: uniqueName("none"), index: 0 }, 3n]]);
			expect(await driver.topics.list()).toEqual(expect.any(Array));
		});
	});
});
