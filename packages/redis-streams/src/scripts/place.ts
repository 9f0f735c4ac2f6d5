// Where a partition begins and ends, read at one moment.
import type { Offset } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { offsetAfterId, offsetOfId } from "../offset-mapping.ts";
import type { PartitionKeys } from "../topology.ts";
import { Script, texts } from "./script.ts";

const placeScript = new Script(`#!lua flags=no-writes
-- KEYS stream meta
local meta = redis.call('HMGET', KEYS[2], 'log', 'floor', 'removed')
local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
local values = {}
if info.err then
	if not string.find(info.err, 'no such key', 1, true) then return info end
else
	for i = 1, #info, 2 do values[info[i]] = info[i + 1] end
end
local first = values['first-entry']
return {
	info.err and '0' or '1', meta[1] or '', meta[2] or '0-0', meta[3] or '0',
	values['length'] or 0, values['entries-added'] or 0, values['last-generated-id'] or '0-0', first and first[1] or '',
}
`);

export interface Place {
	/** The incarnation of the topic; empty for an adopted stream. */
	readonly log: string;
	/** Whether the topic is there at all. */
	readonly exists: boolean;
	readonly earliest: Offset;
	readonly end: Offset;
	readonly records: number;
	/** No entry was ever removed. */
	readonly complete: boolean;
}

export async function readPlace(client: Redis, keys: PartitionKeys): Promise<Place> {
	const reply = texts(await placeScript.run(client, [keys.stream, keys.meta], []));
	const [stream = "0", log = "", floor = "0-0", removed = "0", length = "0", added = "0", last = "0-0", first = ""] = reply;
	const end = offsetAfterId(last);
	const gone = Number(added) - Number(length);
	return {
		log,
		exists: log !== "" || (keys.adopted && stream === "1"),
		end,
		records: Number(length),
		complete: gone === 0,
		earliest: gone === 0 ? earliestOfWhole(first) : earliestOfRest({ floor, first, end, byUs: gone === Number(removed) }),
	};
}

/** Nothing is missing: offset 0, unless other programs gave the first entry a time-based id. */
function earliestOfWhole(first: string): Offset {
	return first === "" || first.startsWith("0-") ? 0n : offsetOfId(first);
}

/**
 * If all that is missing went by our own retention, the floor it recorded. Otherwise others removed entries (XTRIM and
 * XADD MAXLEN leave no trace of how far), and only from the first retained entry on nothing is known to be missing.
 */
function earliestOfRest({ floor, first, end, byUs }: { floor: string; first: string; end: Offset; byUs: boolean }): Offset {
	const recorded = offsetAfterId(floor);
	const present = first === "" ? end : offsetOfId(first);
	return byUs || recorded > present ? recorded : present;
}
