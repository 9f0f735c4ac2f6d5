// The embedded driver with gaps between its offsets, as compaction, transactions and segments leave them: 0, 4, 8 …
// It keeps every promise: gaps mean nothing.
import { type Adapter, isPolylogError, type JournalStore, offsetOutOfRange, type Partition, type Reader } from "@polylog/core/driver";
import { delegate } from "@polylog/conformance";
import { memoryAdapter } from "@polylog/core/testing";

const STEP = 4n;

const up = (offset: bigint): bigint => offset * STEP;
/** Just behind the last record: the next one will lie further up. */
const upEnd = (end: bigint): bigint => (end === 0n ? 0n : up(end - 1n) + 1n);
/** The first record at or above. */
const down = (offset: bigint): bigint => (offset + STEP - 1n) / STEP;

export const sparseAdapter: Adapter = {
	...memoryAdapter,
	name: "sparse",
	create(target, context) {
		const inner = memoryAdapter.create(target, context);
		if (inner.groups.kind !== "journal") throw new Error("the embedded driver has journals");
		return {
			...delegate(inner),
			topics: {
				...inner.topics,
				async describe(topic, signal) {
					const found = await inner.topics.describe(topic, signal);
					const partitions = found?.partitions.map(({ earliest, end, ...rest }) => ({
						...rest,
						earliest: earliest === end ? upEnd(end) : up(earliest),
						end: upEnd(end),
					}));
					return found && { ...found, partitions: partitions ?? [] };
				},
			},
			async append(...call) {
				const outcomes = await inner.append(...call);
				return outcomes.map((outcome) =>
					outcome.status === "ok" && outcome.offset !== undefined ? { ...outcome, offset: up(outcome.offset) } : outcome,
				);
			},
			openReader: (partition, from) => sparseReader(inner.openReader(partition, down(from)), partition, from),
			async offsetAt(partition, timestampMs, signal) {
				const offset = await inner.offsetAt(partition, timestampMs, signal);
				const end = (await inner.topics.describe(partition.topic))?.partitions[partition.index]?.end;
				return offset === end ? upEnd(offset) : up(offset);
			},
			groups: { kind: "journal", journals: sparseJournals(inner.groups.journals) },
		};
	},
};

function sparseReader(inner: Reader, partition: Partition, from: bigint): Reader {
	let next = from;
	return {
		get position() {
			return next;
		},
		async fetch(credit, signal) {
			try {
				const records = (await inner.fetch(credit, signal)).map((record) => ({ ...record, offset: up(record.offset) }));
				const last = records.at(-1);
				if (last) next = last.offset + 1n;
				return records;
			} catch (error) {
				if (!isPolylogError(error, "OFFSET_OUT_OF_RANGE")) throw error;
				const { earliest = 0n, end = 0n } = error.context;
				throw offsetOutOfRange(partition, { requested: next, earliest: up(earliest), end: upEnd(end) }, "as the log below says");
			}
		},
		close: () => inner.close(),
	};
}

/** Journals prove records by their offsets, too. */
function sparseJournals(inner: JournalStore): JournalStore {
	const sparse = <J extends Awaited<ReturnType<JournalStore["open"]>>>(journal: J): J => {
		const prove = journal.prove.bind(journal);
		journal.prove = (proofs, ...rest) =>
			prove(
				proofs.map((proof) => ({ ...proof, offset: proof.offset / STEP })),
				...rest,
			);
		return journal;
	};
	return {
		...inner,
		open: async (...call) => sparse(await inner.open(...call)),
		async find(...call) {
			const found = await inner.find(...call);
			return found && sparse(found);
		},
	};
}
