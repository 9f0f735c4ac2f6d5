// Our appender and reader against kafkajs' own producer and consumer, in one run, alternating. Not a test:
// node --conditions=@polylog/source packages/kafka/test/throughput-bench.ts [records] [rounds]
import { startKafka } from "@polylog/integration";
import { connect, topic as named } from "@polylog/core";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import { adapter } from "../src/index.ts";

const COUNT = Number(process.argv[2] ?? 100_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const PARTITIONS = 4;
const BATCH = 500;
const VALUE = Buffer.from("x".repeat(200));
const bytes = { name: "bytes", encode: (value: Buffer) => value, decode: (value: Uint8Array) => value as Buffer };

await using broker = await startKafka();
const own = await connect({ url: broker.url, adapters: { kafka: adapter } });
const kafkajs = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING });
const theirs = kafkajs.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
await theirs.connect();

let made = 0;
async function makeTopic() {
	const topic = named<Buffer>(`bench-${process.pid}-${made++}`, { partitions: PARTITIONS, codec: bytes });
	await own.topics.create(topic.name, { partitions: PARTITIONS });
	return topic;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const start = performance.now();
	await work();
	return COUNT / ((performance.now() - start) / 1000);
}

type BenchTopic = Awaited<ReturnType<typeof makeTopic>>;

/** As an expert drives it: 500 records a call, 4 calls under way, one partition each. */
async function produceTheirs(topic: BenchTopic) {
	let sent = 0;
	const worker = async (partition: number) => {
		while (sent < COUNT) {
			sent += BATCH;
			await theirs.send({
				topic: topic.name,
				acks: -1,
				messages: Array.from({ length: BATCH }, (_, i) => ({ key: `k${i}`, value: VALUE, partition })),
			});
		}
	};
	await Promise.all([0, 1, 2, 3].map(worker));
}

async function produceOurs(topic: BenchTopic) {
	const producer = own.producer(topic);
	let sent = 0;
	const worker = async (partition: number) => {
		while (sent < COUNT) {
			sent += BATCH;
			await producer.sendBatch(Array.from({ length: BATCH }, (_, i) => ({ key: `k${i}`, value: VALUE, partition })));
		}
	};
	await Promise.all([0, 1, 2, 3].map(worker));
	await producer.close();
}

async function consumeTheirs(topic: BenchTopic, each: "batch" | "message") {
	const consumer = kafkajs.consumer({ groupId: `theirs-${each}-${topic.name}-${made++}` });
	await consumer.connect();
	await consumer.subscribe({ topic: topic.name, fromBeginning: true });
	let seen = 0;
	const first = Promise.withResolvers<number>();
	const done = Promise.withResolvers<number>();
	const count = (n: number) => {
		if (seen === 0) first.resolve(performance.now());
		seen += n;
		if (seen >= COUNT) done.resolve(performance.now());
	};
	await consumer.run(
		each === "batch" ? { eachBatch: async ({ batch }) => count(batch.messages.length) } : { eachMessage: async () => count(1) },
	);
	const rate = COUNT / (((await done.promise) - (await first.promise)) / 1000);
	await consumer.disconnect();
	return rate;
}

async function consumeOurs(topic: BenchTopic, each: "batch" | "message") {
	const group = own.consumerGroup(`ours-${each}-${topic.name}-${made++}`, { topics: [topic], from: "earliest" });
	const member = await group.join();
	let seen = 0;
	const first = Promise.withResolvers<number>();
	const done = Promise.withResolvers<number>();
	const count = (n: number) => {
		if (seen === 0) first.resolve(performance.now());
		seen += n;
		if (seen >= COUNT) done.resolve(performance.now());
	};
	const running = each === "batch" ? member.runBatches(({ messages }) => count(messages.length)) : member.run(() => count(1));
	const rate = COUNT / (((await done.promise) - (await first.promise)) / 1000);
	await member.close();
	await running;
	return rate;
}

/** One at a time, from the call of send to the handler, in ms. */
async function latencyOurs(rounds: number) {
	const topic = await makeTopic();
	const producer = own.producer(topic);
	const member = await own.consumerGroup(`latency-${topic.name}`, { topics: [topic], from: "earliest" }).join();
	let arrived = Promise.withResolvers<void>();
	const running = member.run(() => arrived.resolve());
	const times: number[] = [];
	for (let i = 0; i < rounds + 20; i++) {
		arrived = Promise.withResolvers();
		const start = performance.now();
		await Promise.all([producer.send(VALUE, { partition: i % PARTITIONS }), arrived.promise]);
		if (i >= 20) times.push(performance.now() - start);
	}
	await member.close();
	await running;
	return times.sort((a, b) => a - b);
}

async function latencyTheirs(rounds: number) {
	const topic = await makeTopic();
	const consumer = kafkajs.consumer({ groupId: `latency-theirs-${topic.name}` });
	await consumer.connect();
	await consumer.subscribe({ topic: topic.name, fromBeginning: true });
	let arrived = Promise.withResolvers<void>();
	await consumer.run({ eachMessage: async () => arrived.resolve() });
	const times: number[] = [];
	for (let i = 0; i < rounds + 20; i++) {
		arrived = Promise.withResolvers();
		const start = performance.now();
		await Promise.all([
			theirs.send({ topic: topic.name, acks: -1, messages: [{ value: VALUE, partition: i % PARTITIONS }] }),
			arrived.promise,
		]);
		if (i >= 20) times.push(performance.now() - start);
	}
	await consumer.disconnect();
	return times.sort((a, b) => a - b);
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const results = new Map<string, number[]>();
const note = (name: string, value: number) => results.set(name, [...(results.get(name) ?? []), value]);

for (let round = 0; round <= ROUNDS; round++) {
	const [a, b] = [await makeTopic(), await makeTopic()];
	const produced = [await timed(() => produceOurs(a)), await timed(() => produceTheirs(b))];
	const batches = [await consumeOurs(a, "batch"), await consumeTheirs(b, "batch")];
	const messages = [await consumeOurs(b, "message"), await consumeTheirs(a, "message")];
	// The first round warms up.
	if (round === 0) continue;
	for (const [name, [ours = 0, kafkajsOwn = 0]] of [
		["produce", produced],
		["consume batches", batches],
		["consume messages", messages],
	] as const) {
		note(`${name}: ours`, ours);
		note(`${name}: kafkajs`, kafkajsOwn);
		note(`${name}: ratio`, ours / kafkajsOwn);
	}
}
console.log(
	`Kafka ${broker.version}, Node ${process.version}, ${COUNT} records of 200 B, ${PARTITIONS} partitions, ${ROUNDS} rounds, median (least - most)`,
);
for (const [name, values] of results) {
	const show = (value: number) => (name.endsWith("ratio") ? value.toFixed(2) : Math.round(value).toLocaleString("en"));
	console.log(`${name.padEnd(28)} ${show(median(values))} (${show(Math.min(...values))} - ${show(Math.max(...values))})`);
}
for (const [name, times] of [
	["ours", await latencyOurs(300)],
	["kafkajs", await latencyTheirs(300)],
] as const) {
	console.log(
		`send to handler, ${name}: p50 ${times[times.length >> 1]?.toFixed(2)} ms, p99 ${times[Math.floor(times.length * 0.99)]?.toFixed(2)} ms`,
	);
}
await theirs.disconnect();
await own.close();
