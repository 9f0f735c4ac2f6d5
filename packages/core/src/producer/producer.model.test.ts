// Random outcomes, sizes and deadlines against a log that keeps what the scripted append stored.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ProducerClock } from "../../test/producer-clock.ts";
import { type Append, DriverError, ScriptedAppender, texts } from "../../test/scripted-appender.ts";
import type { AppendOutcome } from "../driver/record.ts";
import { topic } from "../topic.ts";
import { createProducer } from "./producer.ts";

/** What one append does: all stored; nothing stored and known so; or an answer lost, after all or a prefix was stored. */
const fate = fc.oneof(
	fc.constant({ kind: "ok" as const }),
	fc.constant({ kind: "refused" as const }),
	fc.record({ kind: fc.constant("lost" as const), stored: fc.nat({ max: 6 }) }),
	// One record is refused, for good or for now, the others are stored.
	fc.record({
		kind: fc.constant("mixed" as const),
		bad: fc.nat({ max: 5 }),
		code: fc.constantFrom("MESSAGE_TOO_LARGE" as const, "BACKPRESSURE" as const),
	}),
	// Stored, but for some records no answer came.
	fc.record({ kind: fc.constant("half" as const), answers: fc.nat({ max: 6 }) }),
);
type Fate = typeof fate extends fc.Arbitrary<infer F> ? F : never;

const scenario = fc.record({
	fates: fc.array(fate, { maxLength: 12 }),
	turns: fc.array(fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
	idempotent: fc.boolean(),
	maxBatchRecords: fc.integer({ min: 1, max: 6 }),
	maxBufferedBytes: fc.constantFrom(30, 100, 10_000),
	endless: fc.boolean(),
});

/** The log of each partition, with the sequences seen if appends are idempotent. */
class Log {
	readonly values: string[] = [];
	readonly #seen = new Set<number>();

	store(append: Append, index: number, idempotent: boolean): void {
		const sequence = append.producer.sequence + index;
		if (idempotent && this.#seen.has(sequence)) return;
		this.#seen.add(sequence);
		this.values.push(texts(append)[index] ?? "");
	}
}

function enact(append: Append, { next, log, idempotent }: { next: Fate; log: Log; idempotent: boolean }): AppendOutcome[] {
	const store = (index: number) => log.store(append, index, idempotent);
	const unknown: AppendOutcome = { status: "unknown", error: new DriverError("CONNECTION_LOST") };
	if (next.kind === "refused") return append.records.map(() => ({ status: "failed", error: new DriverError("BACKPRESSURE") }));
	if (next.kind === "lost") {
		append.records.slice(0, next.stored).forEach((_, i) => store(i));
		throw new DriverError("CONNECTION_LOST");
	}
	return append.records.map((_, i): AppendOutcome => {
		if (next.kind === "mixed" && i === next.bad) return { status: "failed", error: new DriverError(next.code) };
		store(i);
		return next.kind === "half" && i >= next.answers ? unknown : { status: "ok" };
	});
}

async function play({
	fates,
	turns,
	idempotent,
	maxBatchRecords,
	maxBufferedBytes,
	endless,
}: typeof scenario extends fc.Arbitrary<infer S> ? S : never) {
	const clock = new ProducerClock();
	const logs = [new Log(), new Log()];
	let played = 0;
	const driver = new ScriptedAppender(
		(append) => {
			const next = fates[played++] ?? (endless ? { kind: "lost", stored: 0 } : { kind: "ok" });
			const log = logs[append.partition.index];
			if (!log) throw new Error("no such partition");
			return enact(append, { next, log, idempotent });
		},
		{ idempotentAppend: idempotent },
	);
	const parts = { driver, clock, random: { fraction: () => 0.5, hex: () => "id" }, wrap: driver.wrap, ensureTopic: async () => 2 };
	const producer = createProducer(topic<string>("orders"), parts, { maxBatchRecords, maxBufferedBytes, deliveryTimeoutMs: 60_000 });
	const sent: { value: string; partition: number; settled: Promise<string> }[] = [];
	for (const turn of turns) {
		for (const partition of turn) {
			const value = `m${sent.length}`;
			const receipts = producer.sendBatch([{ value, partition }]);
			sent.push({ value: JSON.stringify(value), partition, settled: receipts.then(([receipt]) => receipt?.status ?? "none") });
		}
		await clock.advance(70);
	}
	// A list waits in the line for up to one delivery timeout, and its message for another.
	await clock.advance(130_000);
	const outcomes = await Promise.all(sent.map(async ({ value, partition, settled }) => ({ value, partition, status: await settled })));
	await producer.close();
	return { outcomes, logs, driver, timers: clock.timers };
}

test("whatever the outcomes of appends: order, honest receipts, one append at a time, no number used twice", async () => {
	await fc.assert(
		fc.asyncProperty(scenario, async (given) => {
			const { outcomes, logs, driver, timers } = await play(given);
			expect(driver.mostAtOnce).toBeLessThanOrEqual(1);
			expect(timers).toBe(0);
			for (const [partition, log] of logs.entries()) {
				const stored = new Set(log.values);
				const mine = outcomes.filter((outcome) => outcome.partition === partition);
				expect(mine.filter(({ value, status }) => status === "ok" && !stored.has(value))).toEqual([]);
				expect(mine.filter(({ value, status }) => status === "failed" && stored.has(value))).toEqual([]);
				expect(mine.map(({ status }) => status)).not.toContain("none");
				// First occurrences are in the order of the sends.
				expect([...stored]).toEqual(mine.map(({ value }) => value).filter((value) => stored.has(value)));
				expect(given.idempotent ? log.values.length : stored.size).toBe(stored.size);
				// A sequence number always means the same message.
				const meant = new Map<number, string>();
				for (const append of driver.appends.filter((each) => each.partition.index === partition)) {
					for (const [i, value] of texts(append).entries()) {
						const sequence = append.producer.sequence + i;
						expect(meant.get(sequence) ?? value).toBe(value);
						meant.set(sequence, value);
					}
				}
				expect(new Set(meant.values()).size).toBe(meant.size);
			}
		}),
		{ numRuns: 100 },
	);
}, 60_000);
