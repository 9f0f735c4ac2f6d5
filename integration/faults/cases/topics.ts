// Topics that grow, and logs with holes.
import assert from "node:assert/strict";
import { parsePartitionKey } from "@polylog/core";
import type { FaultCase } from "../fault-case.ts";
import { until } from "../waiting.ts";
import { redisOf } from "./operating.ts";
import { twoAtWork } from "./members.ts";

export const topicCases: readonly FaultCase[] = [
	{
		id: "F36",
		fault: "a stream of 64 kB segments rolls over again and again: the broker takes offsets for itself",
		expected: "gaps are no skips: everything is delivered in order, the lag ends at 0",
		on: ["rabbitmq"],
		smoke: false,
		async run(stage) {
			const broker = await stage.make(1, { bytes: 100_000_000 });
			await broker.topics.delete(stage.topic);
			const small = await stage.connect(`${stage.server.url}?segmentBytes=64000`);
			await small.topics.create(stage.topic, { partitions: 1, retention: { bytes: 100_000_000 } });
			const a = await stage.member("a");
			const p = await stage.producer("p", { rate: 2000, count: 12_000, padBytes: 100 });
			await until(
				() => p.notes("stopped").length > 0,
				() => `all is sent (${p.tail()})`,
				120_000,
			);
			await until(
				() => a.started().length >= 12_000,
				() => `all is handled (${a.started().length} are)`,
				120_000,
			);
			const offsets = a.started().map(({ offset }) => offset);
			const gaps = offsets.filter((offset, i) => i > 0 && offset !== (offsets[i - 1] ?? 0n) + 1n).length;
			assert.ok(gaps > 0, "there is no gap in the offsets: the case shows nothing");
			return `${gaps} gaps in 12,000 offsets`;
		},
	},
	{
		id: "F40",
		fault: "partitions are added under a live group and a live producer",
		expected: "members get the new ones; nothing of the old ones is lost or out of order",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: false,
		async run(stage) {
			const members = await twoAtWork(stage);
			const broker = await stage.connect();
			const at = Date.now();
			await broker.topics.grow(stage.topic, 7);
			await stage.shared(members, 7, 90_000);
			const took = Date.now() - at;
			// The keys of the first one need not reach all of them.
			await Promise.all([4, 5, 6].map((partition) => stage.producer(`q${partition}`, { rate: 40, partition })));
			const fresh = () =>
				new Set(members.flatMap((member) => member.started(at).map(({ partition }) => parsePartitionKey(partition).index)));
			await until(
				() => fresh().size === 7,
				() => `all partitions flow (${[...fresh()].join(", ")})`,
				60_000,
			);
			return `shared ${took} ms after they were added`;
		},
	},
	{
		id: "F41",
		fault: "records in front of the group are deleted from the stream (XDEL)",
		expected: "what is left is delivered in order; the lag ends at 0; no out of range",
		on: ["redis"],
		smoke: false,
		async run(stage) {
			const broker = await stage.make(1);
			const a = await stage.member("a");
			const p = await stage.producer("p", { rate: 400, count: 100 });
			await stage.handled(100);
			// So that nobody has read ahead when they go.
			await Promise.all([a.close(), p.close()]);
			const q = await stage.producer("q", { rate: 400, count: 300 });
			await until(() => q.receipts().ok === 300, "the rest is sent");
			const redis = redisOf(broker);
			const key = `{${stage.topic}:0}`;
			const entries = await redis.xrange(key, "-", "+");
			// Also the very last one: the end of the log is a hole.
			const doomed = [...entries.slice(320, 340), ...entries.slice(-1)];
			for (const [entry] of doomed) await redis.xdel(key, entry);
			for (const n of [...Array.from({ length: 20 }, (_, i) => 320 + i), 399]) stage.withdrawn.add(`q-${n - 100}`);
			const b = await stage.member("b");
			await until(
				() => b.started().some(({ id }) => id === "q-298"),
				() => `the rest is handled (${b.tail()})`,
			);
			assert.deepEqual(b.notes("stuck"), []);
			return `${doomed.length} records deleted in front of it`;
		},
	},
];
