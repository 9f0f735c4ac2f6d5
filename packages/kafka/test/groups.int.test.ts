// Groups on Kafka's own protocol: what a member is promised, and what strangers in the same group see.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { isPolylogError } from "@polylog/core/driver";
import { pythonWith } from "@polylog/integration";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, it } from "vitest";
import { coordinatorOf, evenly, makeTopic, records, TestMember, TestProducer, uniqueName, until, useKafka } from "./harness.ts";

const kafka = useKafka({ own: true });

async function world(partitions = 4) {
	const driver = await kafka.session.driver({ metadataMaxAgeMs: 300 });
	const topic = await makeTopic(driver, partitions);
	const group = uniqueName("g");
	return { driver, topic, group, coordinator: coordinatorOf(driver), request: { group, topics: [topic] } };
}

describe("a member", () => {
	it("shares with another, keeps what it keeps under the same fence, and gives the rest up before the other has it", async () => {
		const { topic, coordinator, request } = await world();
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 4, "the first owns all");
		const before = new Map(a.grants);
		const b = new TestMember();
		let given = false;
		a.revoking = async () => {
			expect(b.owned).toEqual([]);
			await new Promise((resolve) => setTimeout(resolve, 300));
			given = true;
		};
		await b.join(coordinator, request);
		await until(() => a.owned.length === 2 && b.owned.length === 2, "they share");
		expect(given).toBe(true);
		for (const [key, { fence }] of a.grants) expect(fence).toBe(before.get(key)?.fence);
		for (const [key, { fence }] of b.grants) expect(fence).toBeGreaterThan(before.get(key)?.fence ?? 0n);
		expect(a.told.filter((line) => line.startsWith("lost"))).toEqual([]);
		await a.leave();
		await until(() => b.owned.length === 4, "the other takes over", 3000);
		expect(b.owned).toEqual([0, 1, 2, 3].map((index) => `${topic}/${index}`));
		await b.leave();
	});

	it("lives, dispatches and commits while another one's slow hand-over holds up the rebalance (kafkajs parks such commits for its length)", async () => {
		const { coordinator, request } = await world();
		const a = await new TestMember().join(coordinator, { ...request, sessionTimeoutMs: 1500 });
		await until(() => a.owned.length === 4, "the first owns all");
		const free = Promise.withResolvers<void>();
		a.revoking = () => free.promise;
		const b = await new TestMember().join(coordinator, { ...request, sessionTimeoutMs: 1500 });
		await until(() => a.told.some((line) => line.startsWith("revoking")), "partitions are being given up");
		const kept = [...a.grants.values()].filter(({ partition, fence }) => a.session?.mayDispatch(partition, fence));
		expect(kept.length).toBe(2);
		// A third member forces a rebalance while the first is still giving up.
		const c = new TestMember();
		const joining = c.join(coordinator, { ...request, sessionTimeoutMs: 1500 });
		for (let offset = 1n; offset <= 30n; offset++) {
			const started = performance.now();
			for (const { partition } of a.grants.values()) await a.commit(partition, offset);
			expect(performance.now() - started).toBeLessThan(1000);
			await new Promise((resolve) => setTimeout(resolve, 100));
			// Longer than the session, and still a member.
			expect(a.told.filter((line) => line.startsWith("lost"))).toEqual([]);
		}
		free.resolve();
		await joining;
		await until(() => a.owned.length + b.owned.length + c.owned.length === 4 && c.owned.length > 0, "all three share");
		await Promise.all([a.leave(), b.leave(), c.leave()]);
	}, 60_000);

	it("loses what it takes longer to give up than the rebalance timeout allows", async () => {
		const driver = await kafka.session.driver({ rebalanceTimeoutMs: 1500 });
		const topic = await makeTopic(driver, 2);
		const request = { group: uniqueName("g"), topics: [topic] };
		const a = await new TestMember().join(coordinatorOf(driver), request);
		await until(() => a.owned.length === 2, "the first owns all");
		a.revoking = () => new Promise(() => {});
		const b = await new TestMember().join(coordinatorOf(driver), request);
		await until(() => b.owned.length === 1, "the other gets its share");
		expect(a.told.some((line) => line.startsWith("lost") && line.includes("longer"))).toBe(true);
		await Promise.all([a.leave(), b.leave()]);
	});

	it("commits only what it holds under the fence it was given; a stale commit changes nothing", async () => {
		const { topic, coordinator, request, group } = await world(2);
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 2, "the first owns all");
		const fences = new Map([...a.grants].map(([key, { fence }]) => [key, fence]));
		const b = await new TestMember().join(coordinator, request);
		await until(() => b.owned.length === 1, "they share");
		const [moved] = [...b.grants.values()];
		if (!moved) throw new Error("nothing moved");
		await b.commit(moved.partition, 80n);
		// Kafka itself would take this: the member and its generation are right.
		const stale = a.commit(moved.partition, 10n, { fence: fences.get(b.owned[0] ?? "") ?? 0n });
		await expect(stale).rejects.toSatisfy((error: unknown) => isPolylogError(error, "FENCED"));
		const committed = new Map(
			[...((await coordinator.describe(group))?.committed ?? [])].map(([partition, { offset }]) => [`${topic}/${partition.index}`, offset]),
		);
		expect(committed.get(b.owned[0] ?? "")).toBe(80n);
		await Promise.all([a.leave(), b.leave()]);
	});

	it("is replaced within its session when it dies without a word, and is told when it wakes", async () => {
		const { coordinator, request } = await world(2);
		const a = await new TestMember().join(coordinator, { ...request, sessionTimeoutMs: 1500 });
		await until(() => a.owned.length === 2, "the first owns all");
		const other = await kafka.session.driver();
		const b = await new TestMember().join(coordinatorOf(other), { ...request, sessionTimeoutMs: 1500 });
		await until(() => b.owned.length === 1, "they share");
		const started = performance.now();
		b.session?.destroy();
		await until(() => a.owned.length === 2, "the first has all again");
		expect(performance.now() - started).toBeLessThan(1500 + 2 * 500 + 2000);
		await a.leave();
	});

	it("finds partitions that are added, and gives up those of a topic that is deleted", async () => {
		const { driver, topic, coordinator, group } = await world(2);
		const second = await makeTopic(driver, 1);
		const a = await new TestMember().join(coordinator, { group, topics: [topic, second] });
		await until(() => a.owned.length === 3, "the first owns all");
		await driver.topics.grow(topic, 5);
		await until(() => a.owned.length === 6, "the new ones are found");
		await driver.topics.delete(second);
		await until(() => a.owned.length === 5, "those of the deleted one are given up");
		expect(a.failure).toBeUndefined();
		await driver.topics.create(second, { partitions: 2 });
		await until(() => a.owned.length === 7, "the topic made again is shared");
		await a.leave();
	});

	it("leaves within its time while another one's hand-over hangs, and the driver closes", async () => {
		const { driver, coordinator, request } = await world(2);
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 2, "the first owns all");
		a.revoking = () => new Promise(() => {});
		const b = new TestMember();
		const joined = b.join(coordinator, request);
		await until(() => a.told.some((line) => line.startsWith("revoking")), "a hand-over hangs");
		await joined;
		const started = performance.now();
		await Promise.all([a.leave(), b.leave()]);
		await driver.close();
		expect(performance.now() - started).toBeLessThan(1500);
	});

	it("gives a partition up whose handler hangs, and does not get it back before that has ended", async () => {
		const { coordinator, request } = await world(2);
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 2, "it owns all");
		const [grant] = [...a.grants.values()];
		if (!grant) throw new Error("nothing granted");
		a.grants.delete(a.owned[0] ?? "");
		a.session?.abandon(grant.partition, grant.fence);
		await new Promise((resolve) => setTimeout(resolve, 1500));
		expect(a.owned.length).toBe(1);
		a.session?.returned(grant.partition);
		await until(() => a.owned.length === 2, "it has it again");
		expect([...a.grants.values()].find(({ partition }) => partition.index === grant.partition.index)?.fence).toBeGreaterThan(grant.fence);
		await a.leave();
	});

	it("rises above every fence of before in a group that was deleted, and as a static member that restarts", async () => {
		const { coordinator, request, group, topic } = await world(1);
		const partition = { topic, index: 0 };
		const fences: bigint[] = [];
		const once = async (instanceId: string | undefined) => {
			const member = await new TestMember().join(coordinator, { ...request, instanceId });
			await until(() => member.owned.length === 1, "it owns the partition");
			fences.push([...member.grants.values()][0]?.fence ?? 0n);
			await member.commit(partition, 0n);
			await member.leave();
		};
		await once(undefined);
		await once(undefined);
		await coordinator.delete(group);
		await new Promise((resolve) => setTimeout(resolve, 1100));
		await once(undefined);
		await once("static");
		await once("static");
		await once("static");
		expect(fences).toEqual([...fences].sort((x, y) => (x < y ? -1 : 1)));
		expect(new Set(fences).size).toBe(fences.length);
	});

	it("is put out by a forced reset, and goes on from the new offsets; without force that is refused", async () => {
		const { coordinator, request, group, topic } = await world(1);
		const partition = { topic, index: 0 };
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 1, "it owns the partition");
		await a.commit(partition, 7n);
		const first = [...a.grants.values()][0]?.fence ?? 0n;
		await expect(coordinator.reset(group, [[partition, 3n]], { force: false })).rejects.toSatisfy((error: unknown) =>
			isPolylogError(error, "GROUP_ACTIVE"),
		);
		await coordinator.reset(group, [[partition, 3n]], { force: true });
		await expect(a.commit(partition, 8n, { fence: first })).rejects.toSatisfy((error: unknown) => isPolylogError(error, "FENCED"));
		await until(() => ([...a.grants.values()][0]?.fence ?? 0n) > first, "it has the partition anew");
		expect([...a.grants.values()][0]?.committed?.offset).toBe(3n);
		await a.leave();
	});
});

describe("strangers in the group", () => {
	it("are shown members, offsets and lag by Kafka's own tool, as we tell them", async () => {
		const { driver, coordinator, request, group, topic } = await world(2);
		for (let index = 0; index < 2; index++) await new TestProducer(driver, { topic, index }).append(records(0, 10));
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 2, "it owns all");
		await a.commit({ topic, index: 0 }, 10n);
		await a.commit({ topic, index: 1 }, 4n);
		const { classPath } = kafka.broker;
		if (!classPath) throw new Error("Kafka's jars are needed");
		const { stdout } = await promisify(execFile)(
			"java",
			[
				"-Xmx128m",
				"-XX:TieredStopAtLevel=1",
				"-cp",
				classPath,
				"org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
				"--bootstrap-server",
				`127.0.0.1:${kafka.broker.port}`,
				"--describe",
				"--group",
				group,
			],
			{ timeout: 60_000 },
		);
		const lines = stdout
			.split("\n")
			.filter((line) => line.startsWith(group))
			.map((line) => line.split(/\s+/));
		const ends = (await driver.topics.describe(topic))?.partitions.map(({ end }) => end) ?? [];
		const snapshot = await coordinator.describe(group);
		for (const [{ index }, { offset }] of snapshot?.committed ?? []) {
			const line = lines.find((columns) => columns[2] === `${index}`);
			expect(line?.slice(3, 6)).toEqual([`${offset}`, `${ends[index]}`, `${(ends[index] ?? 0n) - offset}`]);
			expect(line?.[6]).toBe(a.session?.memberId);
		}
		expect(lines.length).toBe(2);
		await a.leave();
	}, 90_000);

	it("of librdkafka's kind share it cooperatively, whoever leads, and take over from each other", async () => {
		for (const first of ["ours", "theirs"] as const) {
			const { driver, coordinator, request, group, topic } = await world(6);
			const stranger = await Stranger.start();
			const a = new TestMember();
			if (first === "ours") {
				await a.join(coordinator, request);
				await until(() => a.owned.length === 6, "ours owns all");
				stranger.run(kafka.broker.port, group, topic);
			} else {
				stranger.run(kafka.broker.port, group, topic);
				await until(() => stranger.owned.size === 6, "theirs owns all", 30_000);
				await a.join(coordinator, request);
			}
			await until(() => a.owned.length === 3 && stranger.owned.size === 3, `${first} first: they share`, 30_000);
			for (const key of a.owned) expect(stranger.owned.has(Number(key.split("/")[1]))).toBe(false);
			for (let index = 0; index < 6; index++) await new TestProducer(driver, { topic, index }).append(records(0, 5));
			await until(() => stranger.committed === 15, "theirs commits its share", 30_000);
			for (const { partition } of a.grants.values()) await a.commit(partition, 5n);
			await stranger.stop();
			await until(() => a.owned.length === 6, "ours takes over", 15_000);
			// Its offsets are ours now, with a fence of ours above them.
			const stands = [...a.grants.values()].flatMap(({ committed }) => committed?.offset ?? []);
			expect(stands).toContain(5n);
			expect(new Set(stands).size).toBe(1);
			await a.leave();
		}
	}, 150_000);

	it("of kafkajs' own Consumer share it eagerly", async () => {
		const driver = await kafka.session.driver({ rebalance: "eager" });
		const topic = await makeTopic(driver, 4);
		const group = uniqueName("g");
		const consumer = new Kafka({ brokers: [`127.0.0.1:${kafka.broker.port}`], logLevel: logLevel.NOTHING }).consumer({
			groupId: group,
			heartbeatInterval: 300,
			sessionTimeout: 6000,
		});
		const theirs = new Set<number>();
		consumer.on("consumer.group_join", ({ payload }) => {
			theirs.clear();
			for (const index of payload.memberAssignment[topic] ?? []) theirs.add(index);
		});
		await consumer.connect();
		await consumer.subscribe({ topic });
		await consumer.run({ eachMessage: async () => undefined });
		await until(() => theirs.size === 4, "theirs owns all", 30_000);
		const a = await new TestMember().join(coordinatorOf(driver), { group, topics: [topic], sessionTimeoutMs: 6000 });
		await until(() => a.owned.length === 2 && theirs.size === 2, "they share", 30_000);
		for (const index of theirs) expect(a.owned).not.toContain(`${topic}/${index}`);
		await consumer.disconnect();
		await until(() => a.owned.length === 4, "ours takes over", 30_000);
		await a.leave();
	}, 90_000);

	it("that share in another way are a plain error, and no loop", async () => {
		const { coordinator, request } = await world(1);
		const a = await new TestMember().join(coordinator, request);
		const odd = new TestMember().join(coordinator, { ...request, assignor: { ...evenly, name: "mine" } });
		await expect(odd).rejects.toSatisfy((error: unknown) => isPolylogError(error, "CONFIG_INVALID"));
		await a.leave();
	});
});

const STRANGER = `
import sys
from confluent_kafka import Consumer
c = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], "partition.assignment.strategy": "cooperative-sticky",
  "session.timeout.ms": 6000, "heartbeat.interval.ms": 500, "auto.offset.reset": "earliest", "enable.auto.commit": False})
def say(what):
    def listener(consumer, partitions):
        if what == "assigned": consumer.incremental_assign(partitions)
        if what == "revoked": consumer.incremental_unassign(partitions)
        print(what, *[p.partition for p in partitions], flush=True)
    return listener
c.subscribe([sys.argv[3]], on_assign=say("assigned"), on_revoke=say("revoked"), on_lost=say("lost"))
import threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
while not stop.is_set():
    m = c.poll(0.2)
    if m is not None and m.error() is None:
        c.commit(m, asynchronous=False)
        print("committed", m.partition(), m.offset(), flush=True)
c.close()
`;

/** A member that nobody here wrote. */
class Stranger {
	readonly owned = new Set<number>();
	committed = 0;
	readonly #python: string;
	#child: ChildProcess | undefined;

	private constructor(python: string) {
		this.#python = python;
	}

	static async start(): Promise<Stranger> {
		return new Stranger(await pythonWith("confluent-kafka==2.16.1"));
	}

	run(port: number, group: string, topic: string): void {
		const child = spawn(this.#python, ["-c", STRANGER, `127.0.0.1:${port}`, group, topic], { stdio: ["pipe", "pipe", "inherit"] });
		this.#child = child;
		let text = "";
		child.stdout.on("data", (chunk: Buffer) => {
			const lines = (text + chunk.toString()).split("\n");
			text = lines.pop() ?? "";
			for (const line of lines) this.#hear(line.split(" "));
		});
	}

	async stop(): Promise<void> {
		const child = this.#child;
		if (!child) return;
		const ended = once(child, "exit");
		child.stdin?.end();
		await ended;
	}

	#hear([what, ...numbers]: string[]): void {
		if (what === "committed") this.committed++;
		for (const index of numbers.map(Number)) {
			if (what === "assigned") this.owned.add(index);
			if (what === "revoked" || what === "lost") this.owned.delete(index);
		}
	}
}
