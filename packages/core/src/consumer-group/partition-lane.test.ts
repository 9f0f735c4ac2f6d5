import { beforeEach, describe, expect, it } from "vitest";
import { Bell } from "../bell.ts";
import type { RawRecord } from "../driver/record.ts";
import { isPolylogError } from "../errors.ts";
import type { Held } from "./offset-tracker.ts";
import { PartitionLane } from "./partition-lane.ts";

const PARTITION = { topic: "t", index: 0 };
const records = (from: number, count: number): RawRecord[] =>
	Array.from({ length: count }, (_, i) => ({
		offset: BigInt(from + i),
		key: undefined,
		value: Buffer.from(`v${from + i}`),
		headers: [],
		timestamp: 1,
	}));

describe("PartitionLane", () => {
	let allowed: boolean;
	let lane: PartitionLane;

	beforeEach(() => {
		allowed = true;
		lane = new PartitionLane(PARTITION, 7n, { records: 10, bytes: 10_000 }, () => allowed, new Bell());
	});

	/** What a reader gave, that stands behind the last record or, where nothing follows for a while, further on. */
	const offer = (from: number, count: number, epoch = lane.epoch, readTo = from + count) =>
		lane.offer(records(from, count), BigInt(readTo), epoch);
	const started = (count = 3) => {
		lane.restart(0n, { committed: 0n, moved: false });
		offer(0, count);
	};
	const take = () => lane.take() as Held;

	it("delivers nothing before it has a start", () => {
		offer(0, 3);
		expect(lane.take()).toBeUndefined();
		expect(lane.credit()).toBeUndefined();
		expect(lane.due(true)).toBeUndefined();
	});

	it("asks the session before every single delivery", () => {
		started();
		expect(take().record.offset).toBe(0n);
		allowed = false;
		expect(lane.take()).toBeUndefined();
		allowed = true;
		expect(take().record.offset).toBe(1n);
	});

	it("never holds more than its limit, processed records behind a gap included", () => {
		started(0);
		let next = 0;
		const held: Held[] = [];
		for (let credit = lane.credit(); credit; credit = lane.credit()) {
			offer(next, credit.records);
			next += credit.records;
			while (lane.ready) held.push(take());
			for (const one of held.slice(1)) if (!one.done) lane.complete(one);
		}
		expect(held).toHaveLength(10);
		expect(lane.due()).toBeUndefined();
		lane.complete(held[0] as Held);
		expect(lane.credit()?.records).toBe(10);
		expect(lane.due()?.offset).toBe(10n);
	});

	it("commits the position with the digest of the last processed record", () => {
		started();
		lane.complete(take());
		const commit = lane.due();
		expect(commit).toMatchObject({ partition: PARTITION, fence: 7n, offset: 1n, last: { offset: 0n } });
		expect(commit?.rewind).toBeUndefined();
		lane.accepted(commit as never, lane.epoch);
		expect(lane.due()).toBeUndefined();
	});

	it("ignores the result of a handler that a seek overtook, and waits for it before it delivers again", () => {
		started();
		const stale = take();
		lane.restart(2n, { moved: true });
		offer(2, 1);
		expect(lane.ready).toBe(false);
		lane.complete(stale);
		expect(lane.due()).toBeUndefined();
		expect(take().record.offset).toBe(2n);
	});

	it("drops what was fetched before a seek", () => {
		started(0);
		const { epoch } = lane;
		lane.restart(5n, { moved: true });
		offer(0, 3, epoch);
		expect(lane.ready).toBe(false);
	});

	it("persists a seek only when asked, and only the first commit after it may go backwards", () => {
		started();
		lane.complete(take());
		lane.accepted(lane.due() as never, lane.epoch);
		lane.restart(0n, { moved: true });
		expect(lane.due()).toBeUndefined();
		const explicit = lane.due(true);
		expect(explicit).toMatchObject({ offset: 0n, rewind: true });
		lane.accepted(explicit as never, lane.epoch);
		offer(0, 1);
		lane.complete(take());
		expect(lane.due()).toMatchObject({ offset: 1n });
		expect(lane.due()?.rewind).toBeUndefined();
	});

	it("commits past offsets that hold no records, once what lies before them is processed", () => {
		lane.restart(0n, { committed: 0n, moved: false });
		offer(0, 2, lane.epoch, 5);
		lane.complete(take());
		expect(lane.due()).toMatchObject({ offset: 1n, last: { offset: 0n } });
		const second = take();
		expect(lane.due()).toMatchObject({ offset: 1n });
		lane.complete(second);
		const commit = lane.due();
		expect(commit).toMatchObject({ offset: 5n, last: { offset: 1n } });
		lane.accepted(commit as never, lane.epoch);
		expect(lane.due()).toBeUndefined();
	});

	it("carries the proof it was granted past offsets that hold no records", () => {
		const proof = { offset: 6n, digest: "d" };
		lane.restart(7n, { committed: 7n, moved: false, proof });
		offer(7, 0, lane.epoch, 7);
		expect(lane.due()).toBeUndefined();
		offer(7, 0, lane.epoch, 9);
		expect(lane.due()).toEqual({ partition: PARTITION, fence: 7n, offset: 9n, last: proof });
	});

	it("takes no offset for empty whose record it let go", () => {
		started(3);
		lane.complete(take());
		lane.revoke();
		expect(lane.due()).toMatchObject({ offset: 1n });
	});

	it("does not persist a seek because nothing follows", () => {
		lane.restart(3n, { committed: 3n, moved: false });
		lane.restart(1n, { moved: true });
		offer(1, 0, lane.epoch, 3);
		expect(lane.due()).toBeUndefined();
	});

	it("keeps the right to go backwards when a seek came while a commit was on its way", () => {
		started();
		lane.complete(take());
		const commit = lane.due() as never;
		const { epoch } = lane;
		lane.restart(0n, { moved: true });
		lane.accepted(commit, epoch);
		expect(lane.due(true)?.rewind).toBe(true);
	});

	it("delivers a record that was put back again, first", () => {
		started();
		const held = take();
		lane.putBack(held);
		expect(lane.position).toBe(0n);
		expect(take().record.offset).toBe(0n);
		expect(lane.running).toBe(1);
	});

	it("starts nothing once it is being given up, but still commits what was running", async () => {
		started();
		const held = take();
		lane.revoke();
		expect(lane.take()).toBeUndefined();
		expect(lane.halt.aborted).toBe(true);
		expect(lane.context.signal.aborted).toBe(false);
		const quiet = lane.quiet();
		lane.complete(held);
		await quiet;
		expect(lane.due()?.offset).toBe(1n);
	});

	it("tells running handlers when it was lost, and takes no result of theirs", () => {
		started();
		const held = take();
		lane.end("fenced");
		expect(isPolylogError(lane.context.signal.reason, "FENCED")).toBe(true);
		lane.complete(held);
		expect(lane.due(true)).toBeUndefined();
	});

	it("a message committed by hand waits for the ones before it", async () => {
		started();
		const [first] = [take(), take()] as const;
		let settled = false;
		const settling = lane.settle(1n).then(() => (settled = true));
		await Promise.resolve();
		expect(settled).toBe(false);
		lane.complete(first);
		await settling;
		expect(lane.due()?.offset).toBe(2n);
	});

	it("refuses to commit by hand what was not delivered, or what lies behind", async () => {
		started();
		lane.complete(take());
		lane.accepted(lane.due() as never, lane.epoch);
		await expect(lane.settle(2n)).rejects.toMatchObject({ code: "FENCED" });
		expect(() => lane.commitAt(2n)).toThrow(RangeError);
		expect(() => lane.commitAt(0n)).toThrow(/seek back/);
		expect(lane.commitAt(1n).offset).toBe(1n);
	});

	it("goes on at the record that stopped it", () => {
		started();
		lane.complete(take());
		lane.release(take());
		lane.stop();
		expect(lane.take()).toBeUndefined();
		expect(lane.state).toBe("stopped");
		lane.rewind();
		expect(lane.position).toBe(1n);
	});
});
