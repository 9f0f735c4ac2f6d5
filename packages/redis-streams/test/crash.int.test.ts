import type { Driver, OutgoingRecord, Partition } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { CREDIT, record, servers, textOf, uniqueName, useRedis } from "./harness.ts";

describe.each(servers)("on $title", (provider) => {
	const PARTITIONS = 4;
	const BATCH = 20;

	/** Appends batch after batch, repeating what is unknown, until told to stop; notes what was acknowledged, by offset. */
	async function produce(
		driver: Driver,
		{ topic, index }: Partition,
		acknowledged: Map<bigint, string>,
		until: { readonly stopped: boolean },
	): Promise<void> {
		for (let sequence = 0; !until.stopped; sequence += BATCH) {
			const batch: OutgoingRecord[] = Array.from({ length: BATCH }, (_, at) => record(`${index}:${sequence + at}`));
			for (let settled = false; !settled;) {
				const outcomes = await driver.append({ topic, index }, batch, { id: "p", epoch: 0, sequence });
				for (const [at, outcome] of outcomes.entries()) {
					if (outcome.status === "failed") throw outcome.error;
					settled = outcome.status === "ok";
					if (outcome.status === "ok" && outcome.offset !== undefined) acknowledged.set(outcome.offset, String(batch[at]?.value));
				}
				if (!settled) await new Promise((resolve) => setTimeout(resolve, 5));
			}
		}
	}

	describe("Redis killed under load", () => {
		// Redis' default, everysec, loses what it acknowledged while a background fsync is slow (see server-facts.ts).
		const redis = useRedis(provider, { own: true, settings: ["--appendfsync", "no"] });

		it("loses nothing it acknowledged, and stores nothing twice; a reader over all of it sees each record once, in order", async () => {
			const { broker, session } = redis;
			const driver = await session.driver({ commandTimeoutMs: 1000 });
			const topic = uniqueName("crash");
			await driver.topics.create(topic, { partitions: PARTITIONS });
			const until = { stopped: false };
			// A last batch may still be repeated after the producers are told to stop: readers go on until all of it is settled.
			const settled = { all: false };
			const indexes = Array.from({ length: PARTITIONS }, (_, index) => index);
			const acknowledged = indexes.map(() => new Map<bigint, string>());
			const producing = Promise.all(acknowledged.map((each, index) => produce(driver, { topic, index }, each, until)));
			producing.catch(() => (until.stopped = true));
			/** So that each kill meets producers at work, however long it took them to be connected again. */
			const more = async () => {
				const before = acknowledged.map(({ size }) => size);
				await new Promise((resolve) => setTimeout(resolve, 400));
				const moved = () => until.stopped || acknowledged.every(({ size }, index) => size >= before[index]! + 3 * BATCH);
				await expect.poll(moved, { timeout: 20_000, interval: 10 }).toBe(true);
			};
			const live = Promise.all(
				indexes.map(async (index) => {
					const reader = driver.openReader({ topic, index }, 0n);
					const seen: string[] = [];
					let idle = 0;
					while (!settled.all || idle < 1) {
						const isLast = settled.all;
						const page = await reader.fetch(CREDIT).catch(async (error: unknown) => {
							if (driver.classify(error).code === "OFFSET_OUT_OF_RANGE") throw error;
							await new Promise((resolve) => setTimeout(resolve, 5));
						});
						if (isLast && page?.length === 0) idle += 1;
						seen.push(...(page ?? []).map(textOf));
					}
					return seen;
				}),
			);
			live.catch(() => (until.stopped = true));
			for (let round = 0; round < 4; round += 1) {
				await more();
				await broker.kill();
				await broker.start();
			}
			await more();
			until.stopped = true;
			await producing;
			settled.all = true;
			const seen = await live;
			for (const index of indexes) {
				const stored = seen[index]!;
				// First occurrences in the order of sending, none twice, none missing in between.
				expect(stored).toEqual(stored.map((_, at) => `${index}:${at}`));
				expect(acknowledged[index]!.size).toBeGreaterThan(200);
				for (const [offset, text] of acknowledged[index]!) expect(stored[Number(offset)]).toBe(text);
			}
		});
	});
});
