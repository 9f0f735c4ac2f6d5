// Parts of bad drivers: what stands between core and the embedded driver, and breaks a promise.
import {
	type AppendOutcome,
	type Credit,
	isPolylogError,
	partitionKey,
	PolylogError,
	type ProducerIdentity,
	type RawRecord,
} from "@polylog/core/driver";
import { delegate, type Tap } from "@polylog/conformance";

export const onEach = (change: (record: RawRecord) => RawRecord): Tap => ({
	fetch: async (next, { credit }) => (await next(credit)).map(change),
});

let producers = 0;

/** As if somebody else had sent it: what de-duplicates does not recognize it. */
export const asAnother = (producer: ProducerIdentity): ProducerIdentity => ({
	...producer,
	id: `${producer.id}-${++producers}`,
	sequence: 0,
});

export const nothing = () => new Promise<readonly RawRecord[]>((resolve) => void setTimeout(resolve, 1, []));

/** A fetch does not wait: what it asked for is given to a later one. */
export function emptyAtOnce(): Tap {
	return {
		driver(driver) {
			const openReader: typeof driver.openReader = (partition, from) => {
				const reader = driver.openReader(partition, from);
				let asked: Promise<readonly RawRecord[]> | undefined;
				let position = from;
				return {
					get position() {
						return position;
					},
					async fetch(credit, signal) {
						const asking = (asked ??= reader.fetch(credit, signal));
						asking.catch(() => (asked = undefined));
						const records = await Promise.race([asking, nothing().then(() => undefined)]);
						if (!records) return [];
						asked = undefined;
						position = reader.position;
						return records;
					},
					close: () => reader.close(),
				};
			};
			return { ...delegate(driver), openReader };
		},
	};
}

/** Says where it stands in a way of its own. */
export function positionedAt(place: (position: bigint, from: bigint) => bigint): Tap {
	return {
		driver(driver) {
			const openReader: typeof driver.openReader = (partition, from) => {
				const reader = driver.openReader(partition, from);
				return {
					get position() {
						return place(reader.position, from);
					},
					fetch: (credit, signal) => reader.fetch(credit, signal),
					close: () => reader.close(),
				};
			};
			return { ...delegate(driver), openReader };
		},
	};
}

/** Out of range is no error to it: it goes on somewhere. */
export function reopensAt(place: (range: PolylogError["context"]) => bigint): Tap {
	return {
		driver(driver) {
			const openReader: typeof driver.openReader = (partition, from) => {
				let reader = driver.openReader(partition, from);
				const fetch = async (credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> => {
					try {
						return await reader.fetch(credit, signal);
					} catch (error) {
						// Between its end and its new beginning there is no topic.
						if (isPolylogError(error, "TOPIC_NOT_FOUND")) return nothing();
						if (!isPolylogError(error, "OFFSET_OUT_OF_RANGE")) throw error;
						reader = driver.openReader(partition, place(error.context));
						return nothing();
					}
				};
				return {
					fetch,
					close: () => reader.close(),
					get position() {
						return reader.position;
					},
				};
			};
			return { ...delegate(driver), openReader };
		},
	};
}

/** After every fifth append the connection is "lost"; what was under way then is acknowledged when it is sent again, and stored behind the next. */
export function lateAfterReconnect(): Tap {
	const lanes = new Map<string, { count: number; lost: number; late: (() => Promise<unknown>) | undefined }>();
	return {
		async append(next, call) {
			const { partition, producer, records } = call;
			const key = `${producer.id} ${partitionKey(partition)}`;
			const lane = lanes.get(key) ?? { count: 0, lost: -1, late: undefined };
			lanes.set(key, lane);
			if (producer.sequence === lane.lost) {
				lane.lost = -1;
				lane.late = () => call.again(records, asAnother(producer)).catch(() => {});
				void nothing().then(() => lane.late?.());
				return records.map((): AppendOutcome => ({ status: "ok" }));
			}
			if (++lane.count % 5 === 0) {
				lane.lost = producer.sequence;
				throw new PolylogError("CONNECTION_LOST", "the connection broke (by the test)");
			}
			const outcomes = await next();
			const { late } = lane;
			lane.late = undefined;
			await late?.();
			return outcomes;
		},
	};
}

/** Every fourth append is stored, and reported as failed. */
export function takesUnknownForFailed(): Tap {
	let count = 0;
	return {
		async append(next, { records }) {
			const outcomes = await next();
			if (++count % 4 > 0) return outcomes;
			return records.map((): AppendOutcome => ({ status: "failed", error: new Error("the connection broke (by the test)") }));
		},
	};
}

/** A page that begins behind a gap loses its first record: it counts offsets where it has to look for the next one. */
export function skipsBehindGaps(): Tap {
	return {
		driver(driver) {
			const openReader: typeof driver.openReader = (partition, from) => {
				const reader = driver.openReader(partition, from);
				let next = from;
				return {
					async fetch(credit, signal) {
						const records = await reader.fetch(credit, signal);
						const [first, last] = [records[0], records.at(-1)];
						const behindGap = first !== undefined && first.offset > next;
						if (last) next = last.offset + 1n;
						return behindGap ? records.slice(1) : records;
					},
					close: () => reader.close(),
					get position() {
						return reader.position;
					},
				};
			};
			return { ...delegate(driver), openReader };
		},
	};
}
