import { Script } from "./script.ts";

/**
 * Appends an entry to a group's journal, also when Redis is out of memory: without that nothing could be committed, so
 * nothing trimmed, and a full Redis would stay full. Replies the id and the number of entries.
 *
 * Ids are time-based: after a failover that lost the journal's tail they do not come again for other entries, unless
 * the new master's clock is behind.
 */
export const journalAppendScript = new Script(`#!lua flags=allow-oom
local id = redis.call('XADD', KEYS[1], '*', 'entry', ARGV[1])
return { id, redis.call('XLEN', KEYS[1]) }
`);

/**
 * A write of no consequence, behind all that was read before it on its connection: WAIT speaks of a connection's writes alone
 * (Redis 7.0 counts a read, Redis 8.0 and Valkey 8.1 do not). Works without memory too.
 */
export const lookedScript = new Script(`#!lua flags=allow-oom
return redis.call('SET', KEYS[1], '', 'PX', 1)
`);

/** Notes a group's name, and that it has a journal; works without memory too, so that members can still join. */
export const openJournalScript = new Script(`#!lua flags=allow-oom
return redis.call('SADD', KEYS[1], ARGV[1])
`);
