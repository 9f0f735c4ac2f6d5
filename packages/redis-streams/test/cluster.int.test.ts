// What is different about a cluster: keys are spread over nodes, and move between them.
import type { Driver } from "@polylog/core/driver";
import { redisGroups, type RunningRedis, type RunningRedisCluster } from "@polylog/integration";
import { reportBroker } from "@polylog/integration/vitest";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CREDIT, makeDriver, quickestOfThree, record, records, Session, take, TestProducer, textOf, uniqueName } from "./harness.ts";

const { cluster: provider } = await redisGroups();

describe(`on ${provider.title}`, () => {
	let cluster: RunningRedisCluster;
	let session: Session;
	const admins: Redis[] = [];
	reportBroker("redis-streams", provider, () => cluster);
	beforeAll(async () => {
		if (provider.skip !== undefined) return;
		cluster = await provider.start();
		session = new Session(cluster);
	});
	afterEach(async () => {
		await session?.close();
		for (const admin of admins.splice(0)) admin.disconnect();
	});
	afterAll(() => cluster?.dispose());

	function adminOf({ host, port }: Pick<RunningRedis, "host" | "port">): Redis {
		const admin = new Redis(port, host, { protocol: 2 });
		admins.push(admin);
		return admin;
	}

	async function makeTopic(driver: Driver, partitions: number): Promise<string> {
		const topic = uniqueName("topic");
		await driver.topics.create(topic, { partitions });
		return topic;
	}

	it("spreads partitions over all nodes, and keeps, describes, grows and deletes them", async () => {
		const driver = await session.driver();
		const topic = await makeTopic(driver, 12);
		await driver.topics.grow(topic, 15);
		const indices = Array.from({ length: 15 }, (_, index) => index);
		await Promise.all(indices.map((index) => new TestProducer(driver, { topic, index }).append(records(index, 3))));
		const read = await Promise.all(indices.map((index) => take(driver.openReader({ topic, index }, 0n), 3)));
		expect(read.map((each) => each.map(textOf))).toEqual(indices.map((index) => records(index, 3).map((each) => String(each.value))));
		expect((await driver.topics.describe(topic))!.partitions.map(({ end }) => end)).toEqual(indices.map(() => 3n));
		expect(await driver.topics.list()).toContain(topic);
		const keys = () => Promise.all(cluster.nodes.slice(0, 3).map((node) => adminOf(node).keys(`*{${topic}:*`)));
		expect((await keys()).filter((each) => each.length > 0)).toHaveLength(3);
		expect(await driver.topics.delete(topic)).toBe(true);
		expect((await keys()).flat()).toEqual([]);
	});

	it("needs four connections to each node that serves, however many partitions; news arrive at once on every one", async () => {
		const driver = await session.driver();
		const topic = await makeTopic(driver, 100);
		const readers = Array.from({ length: 100 }, (_, index) => driver.openReader({ topic, index }, 0n));
		const lines = await Promise.all([
			Promise.all(cluster.nodes.map(async (node) => String(await adminOf(node).client("LIST")).split("\n"))),
			Promise.all(readers.map((reader) => reader.fetch(CREDIT))),
		]);
		const counts = lines[0].map((each) => each.filter((line) => line.includes("name=test:")).length);
		expect(counts.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 4, 4, 4]);
		const slowestMs = await quickestOfThree(async (round) => {
			const waiting = readers.map((reader) => take(reader, 1));
			await new Promise((resolve) => setTimeout(resolve, 100));
			const sent = performance.now();
			const delays = await Promise.all(
				readers.map(async (_, index) => {
					await new TestProducer(driver, { topic, index }).append([record(`${round}.${index}`)]);
					expect((await waiting[index]!).map(textOf)).toEqual([`${round}.${index}`]);
					return performance.now() - sent;
				}),
			);
			return Math.max(...delays);
		});
		// A wait that nobody ended takes a second.
		expect(slowestMs).toBeLessThan(800);
	});

	it("gets by with a user that may not be told of news", async () => {
		for (const node of cluster.nodes)
			await adminOf(node).call("ACL", "SETUSER", "app", "on", ">pw", "~*", "resetchannels", "+@all", "-@dangerous", "-client|tracking");
		const driver = await session.driver({}, cluster.url.replace("//", "//app:pw@"));
		const topic = await makeTopic(driver, 6);
		const waiting = Array.from({ length: 6 }, (_, index) => take(driver.openReader({ topic, index }, 0n), 1));
		await Promise.all(waiting.map((_, index) => new TestProducer(driver, { topic, index }).append([record(`${index}`)])));
		expect((await Promise.all(waiting)).map(([first]) => textOf(first!))).toEqual(["0", "1", "2", "3", "4", "5"]);
	});

	it("goes on while slots move to another node, with nothing lost, doubled or out of order", async () => {
		const driver = await session.driver();
		const topic = await makeTopic(driver, 1);
		const partition = { topic, index: 0 };
		if (driver.groups.kind !== "journal") throw new Error("expected journals");
		const group = uniqueName("group");
		const journal = await driver.groups.journals.open(group);
		const until = { stopped: false };
		const refused: (string | undefined)[] = [];
		let stored = 0;
		const producing = (async () => {
			for (let at = 0; !until.stopped;) {
				const [outcome] = await driver.append(partition, records(at, 2), { id: "p", epoch: 0, sequence: at });
				if (outcome?.status === "ok") stored = at += 2;
				else refused.push(outcome?.status);
			}
		})();
		let noted = 0;
		const noting = (async () => {
			for (; !until.stopped;) {
				const appended = await journal.append(Buffer.from(`e${noted}`), journal.connection).catch((error: unknown) => error);
				if (!(appended instanceof Error)) noted += 1;
				else refused.push(driver.classify(appended).code);
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
		})();
		const reader = driver.openReader(partition, 0n);
		const read: string[] = [];
		let produced = false;
		void producing.finally(() => (produced = true));
		const reading = (async () => {
			while (!produced || read.length < stored) {
				const page = await reader.fetch(CREDIT).catch((error: unknown) => {
					if (driver.classify(error).code === "OFFSET_OUT_OF_RANGE") throw error;
					return [];
				});
				read.push(...page.map(textOf));
			}
		})();
		for (const key of [`{${topic}:0}`, `polylog:{group:${group}}:journal`]) {
			const before = [stored, noted];
			await moveSlot(key);
			await expect.poll(() => stored > before[0]! && noted > before[1]!, { timeout: 30_000 }).toBe(true);
		}
		until.stopped = true;
		await Promise.all([producing, noting, reading]);
		expect(refused.filter((how) => !["unknown", "CONNECTION_LOST", "UNAVAILABLE"].includes(how ?? ""))).toEqual([]);
		expect(read).toEqual(records(0, stored).map((each) => String(each.value)));
		const entries = (await journal.read(undefined, 0)).map(({ bytes }) => String(bytes));
		expect(new Set(entries)).toEqual(new Set(Array.from({ length: noted }, (_, at) => `e${at}`)));
	});

	it("is not reached by the URL of one server, and one server not by that of a cluster: the error names the remedy", async () => {
		const single = makeDriver(`redis://${cluster.host}:${cluster.port}`);
		await expect(single.connect()).rejects.toThrow("redis+cluster://");
		single.destroy();
	});

	/** As redis-cli's reshard does it, with a pause while the slot is half moved. */
	async function moveSlot(key: string): Promise<void> {
		const source = await cluster.masterOf(key);
		const masters = await Promise.all(["{a}", "{b}", "{c}", "{d}", "{e}", "{f}", "{g}"].map((other) => cluster.masterOf(other)));
		const target = masters.find((node) => node !== source)!;
		const [from, to] = [adminOf(source), adminOf(target)];
		const slot = await from.cluster("KEYSLOT", key);
		const [fromId, toId] = [await from.cluster("MYID"), await to.cluster("MYID")];
		await to.cluster("SETSLOT", slot, "IMPORTING", fromId);
		await from.cluster("SETSLOT", slot, "MIGRATING", toId);
		const pause = () => new Promise((resolve) => setTimeout(resolve, 150));
		await pause();
		for (;;) {
			const [name] = await from.cluster("GETKEYSINSLOT", slot, 1);
			if (name === undefined) break;
			await from.call("MIGRATE", target.host, target.port, "", 0, 5000, "KEYS", name);
			await pause();
		}
		for (const admin of [to, from]) await admin.cluster("SETSLOT", slot, "NODE", toId);
		await expect.poll(() => cluster.masterOf(key).then((node) => node.port), { timeout: 30_000 }).toBe(target.port);
	}
});
