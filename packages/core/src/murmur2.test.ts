import { expect, test } from "vitest";
import { murmur2 } from "./murmur2.ts";
import { partitionOfKey } from "./producer/partitioner.ts";

/** Kafka's own vectors: org.apache.kafka.common.utils.UtilsTest.testMurmur2 (signed there). */
const KAFKA: readonly (readonly [string, number])[] = [
	["21", -973932308],
	["foobar", -790332482],
	["a-little-bit-long-string", -985981536],
	["a-little-bit-longer-string", -1486304829],
	["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
	["abc", 479470107],
];

/** librdkafka's unittest_murmur2 (rdmurmur2.c), made with the Java client. */
const LIBRDKAFKA: readonly (readonly [string, number])[] = [
	["kafka", 0xd067cf64],
	["giberish123456789", 0x8f552b0c],
	["1234", 0x9fc97b14],
	["234", 0xe7c009ca],
	["34", 0x873930da],
	["4", 0x5a4b5ca1],
	["PreAmbleWillBeRemoved,ThePrePartThatIs", 0x78424f1c],
	["reAmbleWillBeRemoved,ThePrePartThatIs", 0x4a62b377],
	["eAmbleWillBeRemoved,ThePrePartThatIs", 0xe0e4e09e],
	["AmbleWillBeRemoved,ThePrePartThatIs", 0x62b8b43f],
	["", 0x106e08d9],
];

test.each(KAFKA)("murmur2 of %j is what Kafka's UtilsTest says", (key, hash) => {
	expect(murmur2(Buffer.from(key)) | 0).toBe(hash);
});

test.each(LIBRDKAFKA)("murmur2 of %j is what librdkafka's test says", (key, hash) => {
	expect(murmur2(Buffer.from(key))).toBe(hash);
});

/** Kafka's LongSerializer keys through BuiltInPartitioner.partitionForKey of kafka-clients 4.1.1, three partitions. */
test.each([
	[0, 2],
	[1, 0],
	[2, 0],
	[3, 1],
	[4, 0],
	[7, 2],
	[11, 0],
	[42, 1],
	[1001, 2],
	[1002, 2],
	[1003, 0],
	[-1, 2],
])("the long key %i goes to partition %i of 3, as from Kafka's Java client", (long, partition) => {
	const key = Buffer.alloc(8);
	key.writeBigInt64BE(BigInt(long));
	expect(partitionOfKey(key, 3)).toBe(partition);
});

test("a negative hash loses its sign bit, as Kafka's toPositive has it, and is not negated", () => {
	expect(partitionOfKey(Buffer.from("21"), 1000)).toBe((-973932308 & 0x7fffffff) % 1000);
	expect(partitionOfKey(Buffer.from("21"), 1000)).not.toBe(973932308 % 1000);
});
