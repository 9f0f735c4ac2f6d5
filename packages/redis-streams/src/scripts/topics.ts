// Creating, growing and deleting topics. On Redis Cluster their keys lie with several nodes, so it goes by steps: the shape
// in the hash of topics decides, and each partition's metadata follows it, made by whoever misses it.
import { Script } from "./script.ts";

/**
 * The shape, which names the incarnation; 0 if there is such a topic. Incarnations of a topic are numbered by the
 * clock, so that a step of an older one that comes late changes nothing, also after a failover that lost the last one.
 */
export const createScript = new Script(`#!lua
-- KEYS topics made  ARGV topic shape-without-log random
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
local time = redis.call('TIME')
local made = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
made = math.max(made, (tonumber(redis.call('GET', KEYS[2]) or '0')) + 1)
local made_text = string.format('%.0f', made)
redis.call('SET', KEYS[2], made_text)
local shape = '{"log":"' .. made_text .. '-' .. ARGV[3] .. '",' .. string.sub(ARGV[2], 2)
redis.call('HSET', KEYS[1], ARGV[1], shape)
return shape
`);

/** 1, or 0 if the shape is no longer the one given. */
export const growScript = new Script(`#!lua
-- KEYS topics  ARGV topic shape-before shape
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`);

/** 1, or 0 if the shape is no longer the one given. */
export const deleteScript = new Script(`#!lua flags=allow-oom
-- KEYS topics  ARGV topic shape
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
`);

/** Gives a partition the metadata of its topic's incarnation, instead of an older one's with what it stored. */
export const makeScript = new Script(`#!lua
-- KEYS stream meta producers  ARGV log records bytes age
local function made(log) return tonumber(string.match(log, '^(%d+)%-') or '0') end
local log = redis.call('HGET', KEYS[2], 'log')
if log == ARGV[1] then return 0 end
if log then
	if made(log) > made(ARGV[1]) then return 0 end
	redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
end
redis.call('HSET', KEYS[2], 'log', ARGV[1])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'records', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'bytes', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'age', ARGV[4]) end
return 1
`);

/** Removes a partition of a deleted topic, unless it is a newer one's by now. */
export const dropScript = new Script(`#!lua flags=allow-oom
-- KEYS stream meta producers  ARGV log
local log = redis.call('HGET', KEYS[2], 'log')
if log and log ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
`);

/** For an adopted key: 1, or 0 if there is a stream, or metadata of it, already. */
export const adoptScript = new Script(`#!lua
-- KEYS stream meta  ARGV log records bytes age
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
redis.call('HSET', KEYS[2], 'log', ARGV[1])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'records', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'bytes', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'age', ARGV[4]) end
return 1
`);
