// Reading many small entries: packed by Redis into one string.
//
// What a client spends on a reply goes by its parts, and an entry of 200 B has seven: ioredis takes 3.5 µs for it, unpacking
// it here 1.2 µs. Redis pays for that, 2.6 µs instead of 0.7 µs, which is why large entries are read as they are.
import type { Redis } from "ioredis";
import type { StreamEntry } from "../message-mapping.ts";
import type { PartitionKeys } from "../topology.ts";
import { Script } from "./script.ts";
import { unpackEntries } from "../entry-unpacking.ts";

const readScript = new Script(`#!lua flags=no-writes
-- KEYS stream meta  ARGV from count
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
return { redis.call('HGET', KEYS[2], 'log') or '', #entries > 0 and cmsgpack.pack(entries) or '' }
`);

export interface PackedRead {
	readonly entries: StreamEntry[];
	/** The incarnation of the topic at that moment; empty for an adopted stream. */
	readonly log: string;
}

/** Up to `count` entries from the id `from` on. */
export async function readPacked(client: Redis, { stream, meta }: PartitionKeys, from: string, count: number): Promise<PackedRead> {
	const reply = await readScript.run(client, [stream, meta], [from, String(count)]);
	const [log, packed] = Array.isArray(reply) ? (reply as unknown[]) : [];
	if (!Buffer.isBuffer(log) || !Buffer.isBuffer(packed)) throw new TypeError("the reply of the read script is not two strings");
	return { entries: packed.length === 0 ? [] : unpackEntries(packed), log: log.toString("latin1") };
}
