// Places that are gone: retention, topics made again, and groups' journals that are lost.
import assert from "node:assert/strict";
import type { Broker, Retention } from "@polylog/core";
import type { FaultCase } from "../fault-case.ts";
import type { Player } from "../player.ts";
import type { Backend } from "../servers.ts";
import { SESSION_MS, type Stage } from "../stage.ts";
import { delay, until } from "../waiting.ts";
import { controlOf, redisOf } from "./operating.ts";

const ALL = ["redis", "rabbitmq", "kafka"] as const;

/** Keeps some of what a case sends, and not much more. */
const SHORT: Readonly<Record<Exclude<Backend, "memory">, Retention>> = {
	redis: { records: 50 },
	// RabbitMQ 3.10 begins a segment when the one before is full: if that one alone is larger than this, nothing is left.
	rabbitmq: { bytes: 1_000_000 },
	kafka: { bytes: 100_000 },
};

/** Sends to partition 0 until retention has removed everything below `offset`. */
async function overflow(stage: Stage, broker: Broker, offset: bigint): Promise<void> {
	const producer = broker.producer(stage.topicOf());
	let n = 0;
	await until(
		async () => {
			await producer.sendBatch(Array.from({ length: 1000 }, () => ({ value: { id: `flood-${n++}` }, partition: 0 })));
			return ((await broker.topics.describe(stage.topic)).partitions[0]?.earliest ?? 0n) > offset;
		},
		`retention removed what is below ${offset}`,
		60_000,
	);
	await producer.close();
}

async function committedAt(stage: Stage, broker: Broker): Promise<bigint> {
	for (const [{ index }, offset] of await stage.groupOf(broker).committed()) if (index === 0) return offset;
	throw new Error("the group has committed nothing in partition 0");
}

/** A group that has handled some messages of partition 0 and has gone. */
async function committedAndGone(stage: Stage, retention?: Retention): Promise<{ broker: Broker; stood: bigint }> {
	const broker = await stage.make(1, retention);
	const a = await stage.member("a");
	const p = await stage.producer("p", { count: 40 });
	await stage.handled(40);
	await Promise.all([a.close(), p.close()]);
	return { broker, stood: await committedAt(stage, broker) };
}

const stuck = (member: Player) => member.notes("stuck").map(({ detail }) => detail ?? "");

/** It stops the partition with OFFSET_OUT_OF_RANGE and delivers nothing; the commit stays. */
async function refuses(stage: Stage, broker: Broker, stood: bigint): Promise<void> {
	const b = await stage.member("b");
	await until(
		() => stuck(b).length > 0,
		() => `the partition is reported stuck (${b.tail()})`,
	);
	assert.match(stuck(b)[0] ?? "", new RegExp(`OFFSET_OUT_OF_RANGE requested (${stood}|${stood - 1n}), earliest \\d+, end \\d+`));
	await delay(500);
	assert.deepEqual(
		b.started().map(({ id }) => id),
		[],
		"something was delivered",
	);
	await b.close();
	assert.equal(await committedAt(stage, broker), stood, "the commit moved");
}

export const lostPlaceCases: readonly FaultCase[] = [
	{
		id: "F27",
		fault: "retention removes the group's place while the group is down",
		expected:
			"OFFSET_OUT_OF_RANGE with the numbers, nothing delivered, nothing committed; with onOutOfRange earliest the first retained record comes first, and it is said",
		on: ALL,
		smoke: true,
		async run(stage) {
			assert.ok(stage.backend !== "memory");
			const { broker, stood } = await committedAndGone(stage, SHORT[stage.backend]);
			await overflow(stage, broker, stood);
			await refuses(stage, broker, stood);
			stage.moved("policy");
			const earliest = async () => (await broker.topics.describe(stage.topic)).partitions[0]?.earliest ?? 0n;
			const before = await earliest();
			const c = await stage.member("c", { onOutOfRange: "earliest" });
			await until(
				() => c.started().length >= 40,
				() => `the retained records come (${c.tail()})`,
			);
			// Some brokers remove records in their own time, meanwhile too.
			const [first = -1n, after] = [c.started()[0]?.offset, await earliest()];
			assert.ok(first >= before && first <= after, `the first one is ${first}, and the first retained was ${before}, then ${after}`);
			assert.ok(
				c.notes("error").some(({ detail }) => detail === "OFFSET_OUT_OF_RANGE"),
				"the move was not told",
			);
			return `committed ${stood}, first retained ${before}`;
		},
	},
	{
		id: "F28",
		fault: "the topic is deleted and made again, and outgrows the old place",
		expected: "OFFSET_OUT_OF_RANGE, never a silent skip; Kafka forgets the commits with the topic: there the group starts anew",
		on: ALL,
		smoke: true,
		async run(stage) {
			const { broker, stood } = await committedAndGone(stage);
			stage.beginChapter();
			// An onlooker who asked before may still be told of commits that go with the topic.
			const forgotten = broker.capabilities.commitsOutliveTopic ? [] : [`${stage.topic}/0`];
			stage.moving("forgotten", forgotten);
			await broker.topics.delete(stage.topic);
			await broker.topics.create(stage.topic, { partitions: 1 });
			await stage.producer("q", { count: 120 });
			await until(
				async () => ((await broker.topics.describe(stage.topic)).partitions[0]?.end ?? 0n) > stood + 50n,
				"the new log has outgrown the old place",
			);
			stage.moved("forgotten", forgotten);
			if (broker.capabilities.commitsOutliveTopic) await refuses(stage, broker, stood);
			stage.moved("policy");
			const c = await stage.member("c", { onOutOfRange: "earliest" });
			await until(
				() => c.started().length >= 120,
				() => `the new records come (${c.tail()})`,
			);
			assert.equal(c.started()[0]?.id, "q-0");
			return broker.capabilities.commitsOutliveTopic
				? "refused, then from the start by choice"
				: "the broker forgot the commits: from the start";
		},
	},
	{
		id: "F29",
		fault: "the log is made again and is shorter than the committed place",
		expected: "OFFSET_OUT_OF_RANGE; nothing waits in silence for the old place to come",
		on: ["redis", "rabbitmq"],
		smoke: false,
		async run(stage) {
			const { broker, stood } = await committedAndGone(stage);
			stage.beginChapter();
			await broker.topics.delete(stage.topic);
			await broker.topics.create(stage.topic, { partitions: 1 });
			await stage.producer("q", { count: 5 });
			await until(async () => ((await broker.topics.describe(stage.topic)).partitions[0]?.end ?? 0n) > 0n, "the new log has records");
			await refuses(stage, broker, stood);
			stage.moved("policy");
			const c = await stage.member("c", { onOutOfRange: "earliest" });
			await until(
				() => c.started().length >= 5,
				() => `the new records come (${c.tail()})`,
			);
			return `committed ${stood}, and 5 records are there`;
		},
	},
	{
		id: "F30",
		fault: "the journal of a live group is deleted",
		expected:
			"its members are told of the loss and build the group anew: from the earliest where that was chosen, and stopped where `latest` would skip",
		on: ["redis", "rabbitmq"],
		smoke: true,
		async run(stage) {
			const broker = await stage.make();
			const latest = `${stage.group}-latest`;
			stage.groups.push(latest);
			const [a, b] = await Promise.all([stage.member("a"), stage.member("b")]);
			const c = await stage.member("c", { group: latest, from: "latest" });
			await until(() => c.owned().length === 4, "the other group has its partitions");
			await stage.shared([a, b]);
			await stage.producer();
			await stage.handled(100);
			await until(() => c.committed().size === 4, "the other group has committed everywhere");
			const at = Date.now();
			stage.moving("forgotten");
			for (const group of [stage.group, latest]) await loseJournal(stage, broker, group);
			await until(
				() => [a, b, c].every((member) => member.notes("lost", at).length > 0),
				() => `all are told (${[a, b, c].map((m) => m.tail()).join(" | ")})`,
				60_000,
			);
			await until(
				() => [a, b].every((member) => member.started(at).length > 20),
				() => `the group works again (${a.tail()} | ${b.tail()})`,
				60_000,
			);
			await until(
				() => stuck(c).length >= 4,
				() => `the group from the latest stops (${c.tail()})`,
				60_000,
			);
			assert.ok(
				stuck(c).every((line) => line.includes("OFFSET_OUT_OF_RANGE")),
				stuck(c).join("; "),
			);
			await delay(SESSION_MS);
			stage.moved("forgotten");
			await c.close();
			// Another group, which stands still as it should: the checker judges the first one.
			c.events.length = 0;
			return "told, and built anew";
		},
	},
];

async function loseJournal(stage: Stage, broker: Broker, group: string): Promise<void> {
	if (stage.backend === "redis") {
		assert.equal(await redisOf(broker).del(`polylog:{group:${group}}:journal`), 1);
	} else {
		await controlOf(stage)("delete_queue", `__polylog.group.${group}`);
	}
}
