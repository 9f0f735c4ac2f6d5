// What an adapter needs of core, and nothing else: `@polylog/core/driver`.
export type { BackendUrl } from "./backend-url.ts";
export { classifyError } from "./classify-error.ts";
export type * from "./driver.ts";
export type * from "./group-session.ts";
export type { JournalBounds, JournalCursor, JournalEntry, JournalLog, JournalStore, RecordProof } from "./journal-log.ts";
export { JournalPlaceLost } from "./journal-log.ts";
export { type OptionSpec, readOptions } from "./options.ts";
export { offsetOutOfRange } from "./out-of-range.ts";
export type { AppendOutcome, OutgoingRecord, RawHeaders, RawRecord } from "./record.ts";
export { recordDigest } from "./record-digest.ts";
export { untilAborted } from "../aborted.ts";
export { type Capabilities, DURABILITY_CLASSES, type DurabilityClass } from "../capabilities.ts";
export { type Clock, type Random, sleep } from "../clock.ts";
export { isPolylogError, PolylogError } from "../errors.ts";
export type { Log } from "../log.ts";
export type { Offset } from "../offset.ts";
export { type Partition, parsePartitionKey, partitionKey } from "../partition.ts";
export { Secret, scrub } from "../secret.ts";
