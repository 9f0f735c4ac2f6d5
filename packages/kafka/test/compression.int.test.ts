// Kafka's codecs, written and read by clients that nobody here wrote: librdkafka (C) and Kafka's own producer (Java), which frame some of them differently.
import { pythonWith, runClient } from "@polylog/integration";
import { describe, expect, it } from "vitest";
import { makeTopic, readAll, record, TestProducer, textOf, useKafka } from "./harness.ts";
import { storedBatches } from "./stored-batches.ts";
import { runKafkaProgram } from "./kafka-programs.ts";

const kafka = useKafka({ own: true });
/** At the number that a batch's attributes have for it. */
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

describe("compressed records", () => {
	it("of librdkafka are read in every codec", async () => {
		const driver = await kafka.session.driver();
		const python = await pythonWith("confluent-kafka==2.16.1");
		const topic = await makeTopic(driver);
		const script = `
import sys
from confluent_kafka import Producer
for codec in sys.argv[3:]:
    p = Producer({"bootstrap.servers": sys.argv[1], "compression.type": codec, "linger.ms": 200})
    for i in range(200):
        p.produce(sys.argv[2], value=f"{codec} {i} " + "polylog " * (i % 40), key=str(i), headers=[("codec", codec.encode())])
    p.flush()
`;
		await runClient(python, ["-c", script, `127.0.0.1:${kafka.broker.port}`, topic, ...CODECS]);
		const found = await readAll(driver, { topic, index: 0 });
		const expected = CODECS.flatMap((codec) => Array.from({ length: 200 }, (_, i) => `${codec} ${i} ${"polylog ".repeat(i % 40)}`));
		expect(found.map(textOf)).toEqual(expected);
		expect(Buffer.from(found.at(-1)?.headers[0]?.[1] ?? "").toString()).toBe("zstd");
	});

	it("of ours are read by librdkafka in every codec that is written", async () => {
		const topic = await makeTopic(await kafka.session.driver());
		for (const compression of ["none", "gzip", "zstd"] as const) {
			const driver = await kafka.session.driver({ compression });
			await new TestProducer(driver, { topic, index: 0 }).append([
				record(`in ${compression}`, { key: Buffer.from("k"), headers: [["h", "1"]] }),
			]);
		}
		const script = `
import sys, json
from confluent_kafka import Consumer, TopicPartition
c = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "reader", "enable.auto.commit": False})
c.assign([TopicPartition(sys.argv[2], 0, 0)])
out = []
while len(out) < 3:
    m = c.poll(10)
    if m is None: continue
    out.append([m.value().decode(), m.key().decode(), m.headers()[0][1].decode()])
print(json.dumps(out))
c.close()
`;
		const python = await pythonWith("confluent-kafka==2.16.1");
		const output = await runClient(python, ["-c", script, `127.0.0.1:${kafka.broker.port}`, topic]);
		expect(JSON.parse(output)).toEqual(["none", "gzip", "zstd"].map((codec) => [`in ${codec}`, "k", "1"]));
	});

	it.each(CODECS.filter((codec) => codec !== "none"))("of Kafka's own producer in %s are read", async (codec) => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver);
		// Some that repeat themselves, and some that do not: blocks of an lz4 frame are stored plain where that is shorter.
		const lines = Array.from(
			{ length: 3000 },
			(_, i) => `${i} ${i % 3 === 0 ? "polylog ".repeat(i % 60) : `${Math.sin(i)}${Math.cos(i)}`}`,
		);
		const [major = 0, minor = 0] = kafka.broker.version.split(".").map(Number);
		const main = major > 4 || (major === 4 && minor >= 1) ? "org.apache.kafka.tools.ConsoleProducer" : "kafka.tools.ConsoleProducer";
		const args = ["--bootstrap-server", `127.0.0.1:${kafka.broker.port}`, "--topic", topic, "--compression-codec", codec];
		// One batch of all, so that it is of several blocks.
		args.push("--batch-size", "900000", "--timeout", "1000");
		// Its own, 1.5 s, and three repeats are little on a busy machine.
		args.push("--request-timeout-ms", "20000");
		await runKafkaProgram(kafka.broker, main, args, `${lines.join("\n")}\n`);
		expect((await readAll(driver, { topic, index: 0 })).map(textOf)).toEqual(lines);
		// Not what the broker made of it: it stores what the producer sent.
		expect((await storedBatches(driver, topic)).map((batch) => batch.readInt16BE(21) & 7)).toContain(CODECS.indexOf(codec));
	});
});
