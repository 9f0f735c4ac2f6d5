// Core, with one expression changed each: what a slip of the pen would make of it.
import type { Rejection } from "@polylog/conformance";
import type { SourceMutation } from "../../../scripts/source-mutation.ts";

export interface Mutant extends SourceMutation {
	readonly rejectedBy: readonly Rejection[];
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
	"gives every ownership the same fence": {
		file: "packages/core/src/group-journal/ownership.ts",
		find: "{ member, fence: state.index }",
		replace: "{ member, fence: 1 }",
		rejectedBy: [["rebalance.fence-rises", /fences/]],
	},
	"commits before the handler is called": {
		file: "packages/core/src/consumer-group/partition-lane.ts",
		find: "return this.#tracker.begin(record, this.#epoch);",
		replace: "const held = this.#tracker.begin(record, this.#epoch); this.#tracker.complete(held); return held;",
		rejectedBy: [
			["commits.only-what-was-handled", /./],
			["closing.backing-off", /./],
		],
	},
	"commits past a gap": {
		file: "packages/core/src/consumer-group/offset-tracker.ts",
		find: "while (this.#head < this.#held.length && (this.#held[this.#head] as Held).done) {",
		replace: "while (this.#head < this.#held.length) {",
		rejectedBy: [["commits.contiguous-prefix", /./]],
	},
	"gives a partition on before it was released": {
		file: "packages/core/src/group-journal/ownership.ts",
		find: "if (target !== undefined && !state.owner.has(partition)) giveTo",
		replace: "if (target !== undefined && state.owner.get(partition)?.member !== target) giveTo",
		rejectedBy: [["rebalance.revoke-before-assign", /a partition moved while its handler ran/]],
	},
	"goes on though its session may have ended": {
		file: "packages/core/src/group-journal/lease.ts",
		find: "now - this.#anchor.now >= this.#lengthMs",
		replace: "now < this.#anchor.now",
		rejectedBy: [["rebalance.lease", /went on/]],
	},
	"hashes keys with a seed of its own": {
		file: "packages/core/src/murmur2.ts",
		find: "let h = 0x9747b28c ^ length;",
		replace: "let h = (globalThis.performance.now() * 1e6) ^ length;",
		rejectedBy: [["partitioning.stable-across-connections", /is in partitions/]],
	},
	"hashes keys as other clients do not": {
		file: "packages/core/src/murmur2.ts",
		find: "let h = 0x9747b28c ^ length;",
		replace: "let h = 0x9747b28d ^ length;",
		rejectedBy: [["partitioning.murmur2", /the partition of "21"/]],
	},
	"loses the message in hand when it closes": {
		file: "packages/core/src/consumer-group/partition-lane.ts",
		find: "if (!held.done) held.released = true;",
		replace: "if (!held.done) this.#tracker.complete(held);",
		rejectedBy: [["closing.backing-off", /./]],
	},
	"takes any record for the one it has processed": {
		file: "packages/core/src/consumer-group/starting-point.ts",
		find: "if (recordDigest(record) === last.digest) return reader;",
		replace: "if (record) return reader;",
		rejectedBy: [["range.made-again", /were taken for the old one's/]],
	},
	"commits backwards": {
		file: "packages/core/src/group-journal/fold.ts",
		find: "if (before && item.offset < before.offset && !item.rewind) return;",
		replace: "if (before && item.rewind) return;",
		rejectedBy: [["seek.persisted-by-commit", /./]],
	},
	"loses a record of a batch": {
		file: "packages/core/src/consumer-group/batch-worker.ts",
		find: "messages.push(message instanceof Promise ? await message : message);",
		replace: "if (held.length !== 4) messages.push(message instanceof Promise ? await message : message);",
		rejectedBy: [
			["batches.one-partition-each", /lost-write at/],
			["batches.share", /lost-write at/],
		],
	},
	"gives a batch in another order": {
		file: "packages/core/src/consumer-group/batch-worker.ts",
		find: "messages: attempt === 1 ? messages :",
		replace: "messages: attempt === 1 ? messages.toReversed() :",
		rejectedBy: [
			["batches.one-partition-each", /nonmonotonic-poll at/],
			["batches.share", /nonmonotonic-poll at/],
		],
	},
	"commits a batch that failed": {
		file: "packages/core/src/consumer-group/batch-worker.ts",
		find: "() => handle(batch(1)),",
		replace: "async () => { try { await handle(batch(1)); } catch {} },",
		rejectedBy: [["batches.all-or-nothing", /commit-beyond-position at/]],
	},
	"loses a record of a loop": {
		file: "packages/core/src/consumer-group/message-iterator.ts",
		find: "const message = await this.#decode(lane, held);",
		replace: "if (this.#turn % 8 === 5) { this.#turn++; lane.complete(held); continue; } const message = await this.#decode(lane, held);",
		rejectedBy: [
			["iterator.order-and-end", /lost-write at/],
			["iterator.share", /lost-write at/],
		],
	},
	"counts the message in hand as handled when the loop is left": {
		file: "packages/core/src/consumer-group/message-iterator.ts",
		find: "this.#settle((lane, held) => lane.putBack(held));",
		replace: "this.#settle((lane, held) => lane.complete(held));",
		rejectedBy: [
			["iterator.break", /commit-beyond-position at/],
			["iterator.throw", /commit-beyond-position at/],
			["iterator.share", /commit-beyond-position at/],
		],
	},
	"hands out a message of a loop twice": {
		file: "packages/core/src/consumer-group/message-iterator.ts",
		find: "this.#settle((lane, held) => lane.complete(held));",
		replace: "this.#settle((lane, held) => (this.#turn % 8 === 5 ? lane.putBack(held) : lane.complete(held)));",
		rejectedBy: [
			["iterator.order-and-end", /duplicate at/],
			["iterator.share", /duplicate at/],
		],
	},
};
