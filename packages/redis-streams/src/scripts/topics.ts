// Creating, growing and deleting topics, each at one moment. (On Redis Cluster these would have to be steps.)
import { Script } from "./script.ts";

const MAKE_PARTITION = `
local function make_partition(meta, log, records, bytes, age)
	redis.call('HSET', meta, 'log', log)
	if records ~= '' then redis.call('HSET', meta, 'records', records) end
	if bytes ~= '' then redis.call('HSET', meta, 'bytes', bytes) end
	if age ~= '' then redis.call('HSET', meta, 'age', age) end
end
`;

/** 1, or 0 if there is such a topic. */
export const createScript = new Script(`#!lua
-- KEYS topics meta…  ARGV topic shape log records bytes age
${MAKE_PARTITION}
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
for i = 2, #KEYS do make_partition(KEYS[i], ARGV[3], ARGV[4], ARGV[5], ARGV[6]) end
return 1
`);

/** For an adopted key: 1, or 0 if there is a stream, or metadata of it, already. */
export const adoptScript = new Script(`#!lua
-- KEYS stream meta  ARGV log records bytes age
${MAKE_PARTITION}
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
make_partition(KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 1
`);

/** 1, or 0 if the shape is no longer the one given. */
export const growScript = new Script(`#!lua
-- KEYS topics meta-of-new…  ARGV topic shape-before shape log records bytes age
${MAKE_PARTITION}
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for i = 2, #KEYS do make_partition(KEYS[i], ARGV[4], ARGV[5], ARGV[6], ARGV[7]) end
return 1
`);

/** 1, or 0 if the shape is no longer the one given. */
export const deleteScript = new Script(`#!lua flags=allow-oom
-- KEYS topics key…  ARGV topic shape
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
`);
