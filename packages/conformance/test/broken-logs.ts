// The embedded driver with one promise of the log broken each.
import { type Adapter, type AppendOutcome, isPolylogError, type OutgoingRecord } from "@polylog/core/driver";
import { delegate, type Rejection, type Tap } from "@polylog/conformance";
import {
	asAnother,
	emptyAtOnce,
	lateAfterReconnect,
	nothing,
	onEach,
	positionedAt,
	reopensAt,
	skipsBehindGaps,
	takesUnknownForFailed,
} from "./broken-taps.ts";
import { sparseAdapter } from "./sparse-log.ts";

export interface Broken {
	readonly tap: Tap;
	/** What it breaks. Default: the embedded driver. */
	readonly over?: Adapter;
	/** The check made for it, and what it has to say. */
	readonly rejectedBy: readonly Rejection[];
}

export const BROKEN_LOGS: Readonly<Record<string, Broken>> = {
	"acknowledges before it stores": {
		tap: {
			async append(next, { records }) {
				setTimeout(() => void next().catch(() => {}), 500);
				return records.map((): AppendOutcome => ({ status: "ok" }));
			},
		},
		rejectedBy: [["topics.ends-are-exact", /the end did not move/]],
	},
	"stores late what it repeats after a reconnect": {
		tap: lateAfterReconnect(),
		rejectedBy: [["publish.producer-order", /nonmonotonic-send at/]],
	},
	"takes unknown for failed": {
		tap: takesUnknownForFailed(),
		rejectedBy: [["publish.failed-is-not-in-the-log", /failed to be sent, and is in the log/]],
	},
	"skips the record behind a gap": {
		over: sparseAdapter,
		tap: skipsBehindGaps(),
		rejectedBy: [["driver.credit", /60 records are read/]],
	},
	"does not notice that its place is lost": {
		tap: reopensAt(({ requested = 0n }) => requested),
		rejectedBy: [["range.made-again-under-a-member", /was delivered/]],
	},
	"loses a record now and then while reading": {
		tap: { fetch: async (next, { credit }) => (await next(credit)).filter(({ offset }) => offset % 10n !== 9n) },
		rejectedBy: [
			["publish.ok-is-in-the-log", /lost-write at .*@9:/],
			["groups.share", /messages were handled/],
			["iterator.order-and-end", /lost-write at .*@9:/],
			["batches.one-partition-each", /lost-write at .*@9:/],
		],
	},
	"acknowledges what it does not store": {
		tap: {
			async append(next, { records }) {
				return records.length % 3 === 1 ? records.map((): AppendOutcome => ({ status: "ok" })) : next();
			},
		},
		rejectedBy: [
			["publish.receipts-tell-partial-failure", /./],
			["topics.ends-are-exact", /the end did not move/],
		],
	},
	"stores a batch backwards": {
		tap: { append: (_, call) => call.again(call.records.toReversed(), call.producer) },
		rejectedBy: [["publish.producer-order", /breaks the contract/]],
	},
	"stores what is repeated again": {
		tap: { append: (_, call) => call.again(call.records, asAnother(call.producer)) },
		rejectedBy: [["publish.once-after-a-lost-reply", /duplicate at/]],
	},
	"delivers a record twice": {
		tap: {
			async fetch(next, { credit }) {
				const records = await next(credit);
				const again = records.find(({ offset }) => offset === 3n);
				return again ? [...records, again] : records;
			},
		},
		rejectedBy: [
			["reading.same-view", /./],
			["groups.share", /breaks the contract/],
			["iterator.order-and-end", /duplicate at .*@3:/],
			["batches.one-partition-each", /duplicate at .*@3:/],
		],
	},
	"gives the records of a page backwards": {
		tap: { fetch: async (next, { credit }) => (await next(credit)).toReversed() },
		rejectedBy: [
			["driver.credit", /./],
			["groups.share", /nonmonotonic-poll at/],
			["iterator.order-and-end", /nonmonotonic-poll at/],
			["batches.one-partition-each", /nonmonotonic-poll at/],
		],
	},
	"goes on at the beginning when its place is gone": {
		tap: reopensAt(({ earliest = 0n }) => earliest),
		rejectedBy: [["range.overtaken-while-slow", /is told/]],
	},
	"gives more than its credit": {
		tap: { fetch: (next, { credit }) => next({ records: credit.records * 10, bytes: credit.bytes * 10 }) },
		rejectedBy: [
			["driver.credit", /records for a credit of/],
			["back-pressure.bounded", /./],
			["back-pressure.bytes", /bytes are held/],
		],
	},
	"stands further on than it has read": {
		tap: positionedAt((position) => position + 1n),
		rejectedBy: [["driver.position", /the position/]],
	},
	"never says that it has moved": {
		tap: positionedAt((_, from) => from),
		rejectedBy: [["driver.position", /comes to the end/]],
	},
	"comes back empty at once": {
		tap: emptyAtOnce(),
		rejectedBy: [["driver.idle-reader", /came back empty 20 times/]],
	},
	"knows no end of its own closing": {
		tap: {
			async fetch(next, { credit }) {
				try {
					return await next(credit);
				} catch (error) {
					if (isPolylogError(error)) throw error;
					// As a wait of no length would: enough to keep a processor busy, not enough to hang this test.
					return nothing();
				}
			},
		},
		rejectedBy: [["driver.closed", /fetch after close resolved/]],
	},
	"keeps no headers": { tap: onEach((record) => ({ ...record, headers: [] })), rejectedBy: [["records.headers", /header/]] },
	"keeps headers in an object": {
		tap: onEach((record) => {
			const headers: Record<string, string | Uint8Array> = {};
			for (const [name, value] of record.headers) headers[name] = value;
			return { ...record, headers: Object.entries(headers) };
		}),
		rejectedBy: [
			["records.headers", /./],
			["records.header-multimap", /./],
		],
	},
	"takes a tombstone for an empty value": {
		tap: onEach((record) => ({ ...record, value: record.value ?? new Uint8Array() })),
		rejectedBy: [["records.tombstone", /./]],
	},
	"takes an empty value for a tombstone": {
		tap: onEach((record) => ({ ...record, value: record.value?.length ? record.value : null })),
		rejectedBy: [["records.empty", /./]],
	},
	"reads values as text": {
		tap: onEach((record) => ({ ...record, value: record.value && new TextEncoder().encode(new TextDecoder().decode(record.value)) })),
		rejectedBy: [["records.bytes", /./]],
	},
	"stamps records itself": {
		tap: {
			append: (_, call) =>
				call.again(
					call.records.map((record): OutgoingRecord => ({ ...record, timestamp: 1 })),
					call.producer,
				),
		},
		rejectedBy: [
			["records.time", /./],
			["reading.by-time", /./],
		],
	},
	"tells an end that is late": {
		tap: {
			driver(driver) {
				const late = (description: Awaited<ReturnType<typeof driver.topics.describe>>) =>
					description && {
						...description,
						partitions: description.partitions.map((partition) => ({
							...partition,
							end: partition.end > partition.earliest ? partition.end - 1n : partition.end,
						})),
					};
				return {
					...delegate(driver),
					topics: { ...driver.topics, describe: async (topic, signal) => late(await driver.topics.describe(topic, signal)) },
				};
			},
		},
		rejectedBy: [
			["topics.ends-are-exact", /./],
			["lag.without-members", /lag/],
		],
	},
	"finds every time at the end": {
		tap: {
			driver: (driver) => ({
				...delegate(driver),
				offsetAt: async ({ topic, index }) => (await driver.topics.describe(topic))?.partitions[index]?.end ?? 0n,
			}),
		},
		rejectedBy: [
			["reading.by-time", /./],
			["seek.forward-and-by-time", /./],
		],
	},
};
