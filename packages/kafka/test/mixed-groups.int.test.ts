// A group shared with members that nobody here wrote: whoever leads it, everybody has a share, and what one leaves the others go on with.
import type { Driver } from "@polylog/core/driver";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, it } from "vitest";
import { coordinatorOf, makeTopic, records, TestMember, TestProducer, uniqueName, until, useKafka } from "./harness.ts";
import { javaMember, librdkafkaMember, type Meeting, STRANGER_SESSION_MS, type Stranger } from "./strangers.ts";

const kafka = useKafka({ own: true });
const PARTITIONS = 6;
const BATCH = 5;
/** A JVM starts, on a busy machine. */
const STARTING_MS = 60_000;
/** Without the session it would be a stranger's rebalance timeout, minutes. */
const TAKEOVER_MS = STRANGER_SESSION_MS + 2 * 500 + 20_000;

const KINDS = ["ours", "librdkafka", "java"] as const;
type Kind = (typeof KINDS)[number];

const indexOf = (key: string) => Number(key.slice(key.lastIndexOf("/") + 1));

/** Three members of three kinds, and what the log holds. */
class MixedGroup {
	readonly ours = new TestMember();
	readonly strangers = new Map<Kind, Stranger>();
	readonly #meeting: Meeting;
	readonly #driver: Driver;
	sent = 0;

	private constructor(driver: Driver, meeting: Meeting) {
		this.#driver = driver;
		this.#meeting = meeting;
	}

	static async create(): Promise<MixedGroup> {
		const driver = await kafka.session.driver({ metadataMaxAgeMs: 300 });
		const topic = await makeTopic(driver, PARTITIONS);
		return new MixedGroup(driver, { broker: kafka.broker, group: uniqueName("mixed"), topic });
	}

	async join(kind: Kind): Promise<void> {
		if (kind === "librdkafka") this.strangers.set(kind, await librdkafkaMember(this.#meeting));
		else if (kind === "java") this.strangers.set(kind, javaMember(this.#meeting));
		else {
			const { group, topic } = this.#meeting;
			await this.ours.join(coordinatorOf(this.#driver), { group, topics: [topic], sessionTimeoutMs: STRANGER_SESSION_MS });
		}
	}

	owned(kind: Kind): number[] {
		return kind === "ours" ? this.ours.owned.map(indexOf) : [...(this.strangers.get(kind)?.owned ?? [])].sort((a, b) => a - b);
	}

	/** Each owns as many as is fair, and together they own every partition once. */
	async untilShared(among: readonly Kind[], withinMs: number): Promise<void> {
		const fair = () => {
			const shares = among.map((kind) => this.owned(kind));
			return shares.every((share) => share.length === PARTITIONS / among.length) && new Set(shares.flat()).size === PARTITIONS;
		};
		await until(fair, `${among.join(", ")} share`, withinMs).catch((error: unknown) => {
			const told = [...this.strangers].map(([kind, { owned, said }]) => `${kind} owns ${[...owned].join()} and said ${said}`);
			throw new Error(`${String(error)}; ours owns ${this.ours.owned.join()}; ${told.join("; ")}`, { cause: error });
		});
	}

	/** Sends to every partition, and waits until each owner has committed what it owns; gives what the group has then. */
	async work(among: readonly Kind[]): Promise<number[]> {
		for (let index = 0; index < PARTITIONS; index++)
			await new TestProducer(this.#driver, { topic: this.#meeting.topic, index }).append(records(0, BATCH));
		this.sent += BATCH;
		for (const { partition } of this.ours.grants.values()) await this.ours.commit(partition, BigInt(this.sent));
		for (const kind of among) {
			const stranger = this.strangers.get(kind);
			if (stranger)
				await until(() => this.owned(kind).every((index) => stranger.committed.get(index) === this.sent), `${kind} commits`, STARTING_MS);
		}
		const snapshot = await coordinatorOf(this.#driver).describe(this.#meeting.group);
		return [...(snapshot?.committed ?? [])].map(([, { offset }]) => Number(offset));
	}

	/** Of `work`, after all that was sent. */
	get everythingCommitted(): number[] {
		return Array.from({ length: PARTITIONS }, () => this.sent);
	}

	async end(): Promise<void> {
		await this.ours.leave();
		await Promise.all([...this.strangers.values()].map((stranger) => stranger.kill()));
	}
}

describe("a group of this client, librdkafka and Java", () => {
	it.each([
		{ leader: "ours", second: "librdkafka", third: "java" },
		{ leader: "librdkafka", second: "java", third: "ours" },
		{ leader: "java", second: "ours", third: "librdkafka" },
	] as const)(
		"shares cooperatively where $leader leads; $second and $third take over when it leaves, and whoever is left when one dies",
		async ({ leader, second, third }) => {
			const group = await MixedGroup.create();
			try {
				await group.join(leader);
				await group.untilShared([leader], STARTING_MS);
				await group.join(second);
				await group.untilShared([leader, second], STARTING_MS);
				await group.join(third);
				await group.untilShared(KINDS, STARTING_MS);
				expect([...group.strangers].filter(([, { led }]) => led).map(([kind]) => kind)).toEqual(leader === "ours" ? [] : [leader]);
				expect(await group.work(KINDS)).toEqual(group.everythingCommitted);
				expect(group.ours.told.filter((line) => line.startsWith("lost"))).toEqual([]);

				const before = new Set(group.ours.owned);
				await (leader === "ours" ? group.ours.leave() : group.strangers.get(leader)?.stop());
				if (leader === "ours") group.ours.grants.clear();
				await group.untilShared([second, third], STARTING_MS);
				// What ours took over stands where the stranger committed it.
				const takenOver = [...group.ours.grants].filter(([key]) => !before.has(key)).map(([, { committed }]) => committed?.offset);
				expect(takenOver).toEqual(leader === "ours" ? [] : [BigInt(group.sent)]);
				expect(await group.work([second, third])).toEqual(group.everythingCommitted);
				if (leader === "ours") return;

				await group.strangers.get(second === "ours" ? third : second)?.kill();
				await group.untilShared(["ours"], TAKEOVER_MS);
				expect(group.ours.told.filter((line) => line.startsWith("lost"))).toEqual([]);
				expect(await group.work(["ours"])).toEqual(group.everythingCommitted);
			} finally {
				await group.end();
			}
		},
		240_000,
	);
});

describe("a group of this client and kafkajs' own Consumer", () => {
	it("is shared eagerly, with either as the leader", async () => {
		for (const first of ["theirs", "ours"] as const) {
			const driver = await kafka.session.driver({ rebalance: "eager" });
			const topic = await makeTopic(driver, 4);
			const group = uniqueName("eager");
			const client = new Kafka({ brokers: [`127.0.0.1:${kafka.broker.port}`], logLevel: logLevel.NOTHING });
			const consumer = client.consumer({ groupId: group, heartbeatInterval: 300, sessionTimeout: STRANGER_SESSION_MS });
			const theirs = new Set<number>();
			let theyLed = false;
			consumer.on("consumer.group_join", ({ payload }) => {
				theyLed ||= payload.isLeader;
				theirs.clear();
				for (const index of payload.memberAssignment[topic] ?? []) theirs.add(index);
			});
			const begin = async () => {
				await consumer.connect();
				await consumer.subscribe({ topic });
				await consumer.run({ eachMessage: async () => undefined });
			};
			const a = new TestMember();
			const join = async () => await a.join(coordinatorOf(driver), { group, topics: [topic], sessionTimeoutMs: STRANGER_SESSION_MS });
			if (first === "theirs") {
				await begin();
				await until(() => theirs.size === 4, "theirs owns all", 30_000);
				await join();
			} else {
				await join();
				await until(() => a.owned.length === 4, "ours owns all");
				await begin();
			}
			await until(() => a.owned.length === 2 && theirs.size === 2, `${first} first: they share`, 30_000);
			for (const index of theirs) expect(a.owned).not.toContain(`${topic}/${index}`);
			expect(theyLed).toBe(first === "theirs");
			await consumer.disconnect();
			await until(() => a.owned.length === 4, "ours takes over", 30_000);
			expect(a.told.filter((line) => line.startsWith("lost"))).toEqual([]);
			await a.leave();
		}
	}, 120_000);
});
