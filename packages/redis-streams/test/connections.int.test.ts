import { execFile } from "node:child_process";
import { inspect, promisify } from "node:util";
import type { Driver } from "@polylog/core/driver";
import { type RedisServerOptions, startProxy } from "@polylog/integration";
import { describe, expect, it, onTestFinished } from "vitest";
import {
	CREDIT,
	LoggedLines,
	makeDriver,
	quickestOfThree,
	record,
	records,
	Session,
	take,
	TestProducer,
	textOf,
	uniqueName,
	servers,
	useRedis,
} from "./harness.ts";

describe.each(servers)("on $title", (provider) => {
	const redis = useRedis(provider);

	async function serverWith(options: RedisServerOptions) {
		const broker = await provider.start({ own: true, ...options });
		onTestFinished(() => broker.dispose());
		return broker;
	}

	async function refusal(driver: Driver): Promise<{ code: string; text: string }> {
		const error: unknown = await driver.connect().then(
			() => undefined,
			(thrown: unknown) => thrown,
		);
		driver.destroy();
		if (!(error instanceof Error)) throw new Error("it connected");
		return {
			code: driver.classify(error).code,
			text: `${error.message} ${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)}`,
		};
	}

	describe("connect", () => {
		it("is UNAUTHORIZED with a wrong password, which appears in nothing", async () => {
			const { port } = await serverWith({ password: "right" });
			for (const url of [
				`redis://:canary%2F1@127.0.0.1:${port}`,
				`redis://ada:canary%2F1@127.0.0.1:${port}`,
				`redis://127.0.0.1:${port}`,
			]) {
				const log = new LoggedLines();
				const { code, text } = await refusal(makeDriver(url, {}, log));
				expect(code).toBe("UNAUTHORIZED");
				for (const form of ["canary/1", "canary%2F1", Buffer.from("canary/1").toString("base64")])
					expect(text + log.lines.join()).not.toContain(form);
			}
		});

		it("works with the right password and another database", async () => {
			const broker = await serverWith({ password: "ri:ght/@" });
			const driver = makeDriver(`${broker.url}/3`);
			await driver.connect();
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 1 });
			await driver.close();
			const other = makeDriver(broker.url);
			await other.connect();
			expect(await other.topics.describe(topic)).toBeUndefined();
			await other.close();
		});

		it("refuses a database that does not exist, rather than using another", async () => {
			const { code, text } = await refusal(makeDriver(`${redis.broker.url}/99`));
			expect(code).toBe("CONFIG_INVALID");
			expect(text).toContain("DB index");
		});

		it.each(["allkeys-lru", "allkeys-random"])("refuses maxmemory-policy %s, and names the remedy", async (policy) => {
			const { code, text } = await refusal(makeDriver((await serverWith({ settings: ["--maxmemory-policy", policy] })).url));
			expect(code).toBe("UNSUPPORTED");
			expect(text).toContain("set maxmemory-policy noeviction");
		});

		it("takes a policy that leaves keys without expiry alone", async () => {
			const driver = makeDriver((await serverWith({ settings: ["--maxmemory-policy", "volatile-lru"] })).url);
			await driver.connect();
			expect(driver.capabilities.idempotentAppend).toBe(true);
			await driver.close();
		});

		it("refuses a replica", async () => {
			const replica = await serverWith({ settings: ["--replicaof", redis.broker.peer.host, String(redis.broker.peer.port)] });
			const { code, text } = await refusal(makeDriver(replica.url));
			expect([code, text]).toEqual(["UNAVAILABLE", expect.stringContaining("is a replica")]);
		});

		it("says where nobody answers", async () => {
			const { code, text } = await refusal(makeDriver("redis://127.0.0.1:1"));
			expect([code, text]).toEqual(["CONNECTION_LOST", expect.stringContaining("127.0.0.1:1")]);
		});

		it("gives up in time on a server that accepts and says nothing", async () => {
			await using proxy = await startProxy(redis.broker);
			proxy.flow({ toBroker: "black-hole" });
			const started = performance.now();
			const { code } = await refusal(makeDriver(`redis://127.0.0.1:${proxy.port}`, { connectTimeoutMs: 200 }));
			expect(code).toBe("CONNECTION_LOST");
			// Not the five seconds that it would wait without being told.
			expect(performance.now() - started).toBeLessThan(4500);
		});

		it("ends early by its signal", async () => {
			await using proxy = await startProxy(redis.broker);
			proxy.flow({ toBroker: "black-hole" });
			const driver = makeDriver(`redis://127.0.0.1:${proxy.port}`);
			const abort = new AbortController();
			const connecting = driver.connect(abort.signal);
			setTimeout(() => abort.abort(new Error("enough")), 50);
			await expect(connecting).rejects.toThrow("enough");
		});

		it.each([
			[{ appendOnly: false }, "none"],
			[{}, "process-crash"],
			[{ settings: ["--appendfsync", "everysec"] }, "none"],
			[{ settings: ["--appendfsync", "always"] }, "host-crash"],
		] as const)("finds out what an acknowledged record survives: %o is %s", async (options, durability) => {
			const driver = makeDriver((await serverWith(options)).url);
			await driver.connect();
			expect(driver.capabilities.durability).toBe(durability);
			await driver.close();
		});

		it("gets by with a user that may not ask about the server, and says what could not be checked", async () => {
			const broker = await serverWith({});
			const session = new Session(broker);
			onTestFinished(() => session.close());
			await session.redis().call("ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "-@dangerous");
			const log = new LoggedLines();
			const driver = makeDriver(`redis://app:pw@127.0.0.1:${broker.port}`, {}, log);
			await driver.connect();
			expect(log.lines.join()).toContain("maxmemory-policy");
			const partition = { topic: uniqueName("topic"), index: 0 };
			await driver.topics.create(partition.topic, { partitions: 1 });
			const reader = driver.openReader(partition, 0n);
			const [read] = await Promise.all([take(reader, 1), new TestProducer(driver, partition).append(records(0, 1))]);
			expect(read.map(textOf)).toEqual(["r0"]);
			await driver.close();
		});
	});

	describe("a thousand partitions", () => {
		it("are read over no more than five connections, idle and busy", async () => {
			const broker = await serverWith({});
			const session = new Session(broker);
			onTestFinished(() => session.close());
			const driver = await session.driver();
			const topic = uniqueName("wide");
			await driver.topics.create(topic, { partitions: 1000 });
			const readers = Array.from({ length: 1000 }, (_, index) => driver.openReader({ topic, index }, 0n));
			const read = readers.map((reader) => take(reader, 3));
			await Promise.all(
				readers.map(async (_, index) => {
					const producer = new TestProducer(driver, { topic, index });
					for (const at of [0, 1, 2]) await producer.append([record(`${index}.${at}`)]);
				}),
			);
			const texts = (await Promise.all(read)).map((each) => each.map(textOf));
			expect(texts).toEqual(readers.map((_, index) => [0, 1, 2].map((at) => `${index}.${at}`)));
			const idle = Promise.all(readers.map((reader) => reader.fetch(CREDIT)));
			const clients = String(await session.redis().client("LIST"))
				.split("\n")
				.filter((line) => line.includes("name=test:"));
			expect(clients.length).toBeLessThanOrEqual(5);
			expect((await idle).flat()).toEqual([]);
			// One partition wakes among a thousand that wait.
			const producer = new TestProducer(driver, { topic, index: 500 });
			const tookMs = await quickestOfThree(async () => {
				const waiting = readers.map((reader, index) => (index === 500 ? take(reader, 1) : reader.fetch(CREDIT)));
				await new Promise((resolve) => setTimeout(resolve, 100));
				const sent = performance.now();
				await producer.append([record("news")]);
				expect((await waiting[500]!).map(textOf)).toEqual(["news"]);
				const took = performance.now() - sent;
				await Promise.all(waiting);
				return took;
			});
			// A wait that nobody ended takes a second.
			expect(tookMs).toBeLessThan(500);
		});
	});

	describe("a connection that breaks", () => {
		it("comes back by itself; a reader goes on exactly where it was", async () => {
			await using proxy = await startProxy(redis.broker);
			const driver = await redis.session.driver({}, `redis://127.0.0.1:${proxy.port}`);
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 1 });
			const partition = { topic, index: 0 };
			const producer = new TestProducer(await redis.session.driver(), partition);
			const reader = driver.openReader(partition, 0n);
			const texts: string[] = [];
			for (let at = 0; at < 30; at += 10) {
				await producer.append(records(at, 10));
				proxy.cut();
				await expect
					.poll(
						async () => {
							texts.push(...(await reader.fetch({ records: 7, bytes: 1e6 }).catch(() => [])).map(textOf));
							return texts.length;
						},
						{ timeout: 20_000, interval: 5 },
					)
					.toBe(at + 10);
			}
			expect(texts).toEqual(records(0, 30).map((each) => String(each.value)));
		});

		it("fails what was under way and what is asked meanwhile, at once and classified; nothing hangs", async () => {
			await using proxy = await startProxy(redis.broker);
			const driver = await redis.session.driver({ commandTimeoutMs: 10_000 }, `redis://127.0.0.1:${proxy.port}`);
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 50 });
			if (driver.groups.kind !== "journal") throw new Error("expected journals");
			const journal = await driver.groups.journals.open(uniqueName("group"));
			proxy.flow({ toClient: "black-hole" });
			const calls = () => [
				...Array.from({ length: 50 }, (_, index) =>
					driver
						.append({ topic, index }, records(0, 2), { id: "p", epoch: 0, sequence: 0 })
						.then((outcomes) => driver.classify(outcomes[0]?.status === "unknown" ? outcomes[0].error : undefined).code),
				),
				...[
					driver.topics.list(),
					driver.topics.describe(topic),
					journal.append(Buffer.from("x"), journal.connection),
					driver.openReader({ topic, index: 0 }, 0n).fetch(CREDIT),
				].map((call) =>
					(call as Promise<unknown>).then(
						() => "resolved",
						(error: unknown) => driver.classify(error).code,
					),
				),
			];
			const underWay = calls();
			await new Promise((resolve) => setTimeout(resolve, 50));
			proxy.refuse(true);
			expect(new Set(await Promise.all(underWay))).toEqual(new Set(["CONNECTION_LOST"]));
			const started = performance.now();
			expect(new Set(await Promise.all(calls()))).toEqual(new Set(["CONNECTION_LOST"]));
			expect(performance.now() - started).toBeLessThan(5000);
			proxy.refuse(false);
			proxy.flow({ toClient: "pass" });
			await expect.poll(() => driver.topics.list().catch(() => []), { timeout: 30_000 }).toContain(topic);
		});

		it("half open, without a reset, is given up after the command timeout and replaced", async () => {
			await using proxy = await startProxy(redis.broker);
			const driver = await redis.session.driver({ commandTimeoutMs: 2000, connectTimeoutMs: 2000 }, `redis://127.0.0.1:${proxy.port}`);
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 1 });
			const append = async () => (await driver.append({ topic, index: 0 }, records(0, 1), { id: "p", epoch: 0, sequence: 0 }))[0]!;
			proxy.flow({ toBroker: "black-hole" });
			const [outcome] = [await append()];
			expect(outcome.status === "unknown" && driver.classify(outcome.error).code).toBe("TIMEOUT");
			proxy.flow({ toBroker: "pass" });
			await expect.poll(async () => (await append()).status, { timeout: 30_000 }).toBe("ok");
			expect((await driver.topics.describe(topic))!.partitions[0]!.end).toBe(1n);
		});

		it("to a frozen server recovers when it wakes, and stores a batch sent before and after once", async () => {
			const broker = await serverWith({});
			const session = new Session(broker);
			onTestFinished(() => session.close());
			const driver = await session.driver({ commandTimeoutMs: 2000, connectTimeoutMs: 2000 });
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 1 });
			const append = async () => (await driver.append({ topic, index: 0 }, records(0, 3), { id: "p", epoch: 0, sequence: 0 }))[0]!;
			await broker.pause();
			const outcomes = [await append(), await append()];
			expect(outcomes.map(({ status }) => status)).toEqual(["unknown", "unknown"]);
			await broker.resume();
			await expect.poll(async () => (await append()).status, { timeout: 30_000 }).toBe("ok");
			expect(await session.redis().xlen(`{${topic}:0}`)).toBe(3);
		});

		it("to a server that changed its password fails as UNAUTHORIZED, without a hot loop and without the secret", async () => {
			const broker = await serverWith({ password: "canary" });
			const log = new LoggedLines();
			const driver = makeDriver(broker.url, {}, log);
			await driver.connect();
			const session = new Session(broker);
			onTestFinished(() => session.close());
			const admin = session.redis();
			await admin.config("SET", "requirepass", "other");
			await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
			const code = async () =>
				await driver.topics.list().then(
					() => "resolved",
					(error: unknown) => [driver.classify(error).code, inspect(error, { depth: 9 }).includes("canary")].join(),
				);
			await expect.poll(code, { timeout: 20_000 }).toBe("UNAUTHORIZED,false");
			const before = Number(/total_connections_received:(\d+)/.exec(await admin.info("stats"))?.[1]);
			await new Promise((resolve) => setTimeout(resolve, 1000));
			const after = Number(/total_connections_received:(\d+)/.exec(await admin.info("stats"))?.[1]);
			expect(after - before).toBeLessThan(40);
			expect(log.lines.join()).not.toContain("canary");
			await driver.close();
		});
	});

	describe("close and destroy", () => {
		it.each(["close", "destroy"] as const)(
			"%s is quick, may be repeated, ends what is under way, and lets the process exit",
			async (how) => {
				const script = `
				import { CREDIT, makeDriver } from ${JSON.stringify(new URL("harness.ts", import.meta.url).href)};
				const driver = makeDriver(process.env.URL);
				await driver.connect();
				await driver.topics.create("exit-${how}", { partitions: 2 });
				const journal = await driver.groups.journals.open("exit");
				const waits = [0, 1].map((index) => driver.openReader({ topic: "exit-${how}", index }, 0n).fetch(CREDIT));
				waits.push(journal.read(undefined, 60_000));
				await new Promise((resolve) => setTimeout(resolve, 100));
				const started = performance.now();
				const settled = Promise.allSettled(waits);
				await driver.${how}();
				await driver.${how}();
				await settled;
				const after = await driver.topics.list().catch((error) => driver.classify(error).code);
				console.log(JSON.stringify({ ms: performance.now() - started, after, at: Date.now() }));
			`;
				const tookMs: number[] = [];
				while (tookMs.length < 3 && !tookMs.some((ms) => ms < 1000)) {
					// One that does not exit is ended, and fails.
					const { stdout } = await promisify(execFile)(
						process.execPath,
						["--conditions=@polylog/source", "--input-type=module-typescript", "--eval", script],
						{
							env: { ...process.env, URL: redis.broker.url },
							timeout: 60_000,
						},
					);
					const { ms, after, at } = JSON.parse(stdout) as { ms: number; after: string; at: number };
					tookMs.push(ms);
					expect(after).toBe("CLOSED");
					expect(Date.now() - at).toBeLessThan(10_000);
				}
				// What is under way blocks for two seconds. A busy machine has moments of its own.
				expect(Math.min(...tookMs)).toBeLessThan(1000);
			},
		);

		it("is quick also while the server is frozen or gone", async () => {
			const broker = await serverWith({});
			const [frozen, gone] = [makeDriver(broker.url), makeDriver(broker.url)];
			await Promise.all([frozen.connect(), gone.connect()]);
			await broker.pause();
			const started = performance.now();
			await frozen.close();
			await broker.resume();
			await broker.kill();
			await gone.close();
			// A command that is not answered is given up after five seconds.
			expect(performance.now() - started).toBeLessThan(4500);
		});
	});
});
