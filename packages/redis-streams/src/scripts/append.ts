// Appending a batch: all of it or nothing, once for each (producer, epoch, sequence).
import { RETENTION } from "./retention.ts";
import { Script } from "./script.ts";

/** Producers that have not appended to a partition for this long are forgotten there: their repeats would be stored again. */
export const PRODUCER_MEMORY_MS = 24 * 60 * 60 * 1000;
/** And of more than this many the longest silent ones. */
export const MAX_PRODUCERS = 1000;

// The header makes Redis check memory, replicas and writability before the script starts, never in its middle; with
// keys checked here for their type first, nothing in the loop can fail after the first XADD.
//
// `0-*` continues dense ids. It fails once another program added an entry with a time-based id; the batch then gets
// one `*`, and `<its ms>-*` for the rest: since Redis 7.0 reads the clock anew for each `*` even inside a script, only
// so its ids are consecutive, and the first one tells all offsets.
//
// The memory of a producer is "epoch sequence count firstId timeMs incarnation" of its last batch, in a hash without
// expiry, since an eviction policy volatile-* would be free to take a key that has one. Repeats write it again, so that a
// WAIT that follows on the same connection has something to wait for.
export const appendScript = new Script(`#!lua
-- KEYS stream meta producers  ARGV batch producer epoch sequence adopted ttl max
${RETENTION}
local stream, meta, producers = KEYS[1], KEYS[2], KEYS[3]
local log = redis.call('HGET', meta, 'log')
if not log then
	if ARGV[5] ~= '1' then return redis.error_reply('POLYLOGTOPIC the topic or its partition does not exist') end
	log = ''
end
local kind = redis.call('TYPE', stream).ok
if kind ~= 'stream' and kind ~= 'none' then return redis.error_reply('WRONGTYPE the key ' .. stream .. ' is a ' .. kind .. ', not a stream') end

local records = cmsgpack.unpack(ARGV[1])
local producer, epoch, sequence = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()

local known = redis.call('HGET', producers, producer)
if known then
	local e, s, n, first, _, l = string.match(known, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S*)$')
	e, s, n = tonumber(e), tonumber(s), tonumber(n)
	if l == log then
		if epoch < e then return redis.error_reply('POLYLOGFENCED producer epoch ' .. epoch .. ' is older than ' .. e) end
		if epoch == e and sequence < s + n then
			if sequence ~= s or #records ~= n then
				return redis.error_reply('POLYLOGFENCED producer sequence ' .. sequence .. ' is behind ' .. (s + n) .. ': a late copy')
			end
			redis.call('HSET', producers, producer, known)
			return first
		end
	end
elseif redis.call('HLEN', producers) >= 100 then
	local all, alive = redis.call('HGETALL', producers), {}
	for i = 1, #all, 2 do
		local t = tonumber(string.match(all[i + 1], '^%S+ %S+ %S+ %S+ (%S+)'))
		if now - t > tonumber(ARGV[6]) then redis.call('HDEL', producers, all[i]) else alive[#alive + 1] = { t, all[i] } end
	end
	table.sort(alive, function(a, b) return a[1] < b[1] end)
	for i = 1, #alive - tonumber(ARGV[7]) + 1 do redis.call('HDEL', producers, alive[i][2]) end
end

local retention = load_retention(meta)
local count = retention and redis.call('XLEN', stream) + retention.removed
local before = retention and segment_full(retention, count, now) and last_id(stream)

local ids = '0-*'
local first = redis.pcall('XADD', stream, ids, unpack(records[1]))
if type(first) == 'table' then
	if not string.find(first.err, 'equal or smaller', 1, true) then return first end
	first = redis.call('XADD', stream, '*', unpack(records[1]))
	ids = string.match(first, '^%d+') .. '-*'
end

if not retention then
	for i = 2, #records do redis.call('XADD', stream, ids, unpack(records[i])) end
else
	local id = first
	for i = 1, #records do
		local previous = id
		if i > 1 then id = redis.call('XADD', stream, ids, unpack(records[i])) end
		if i == 1 then
			if before then retention.marks[#retention.marks + 1] = { before, count, retention.size, now, id, retention.last } end
		elseif segment_full(retention, count, now) then
			retention.marks[#retention.marks + 1] = { previous, count, retention.size, now, id, now }
		end
		for f = 1, #records[i] do retention.size = retention.size + #records[i][f] end
		count = count + 1
		-- A batch larger than the limit must not collect a mark for each of its records.
		if #retention.marks > 4 * SEGMENTS then trim(stream, meta, retention, count, now) end
	end
	trim(stream, meta, retention, count, now)
	redis.call('HSET', meta, 'marks', cmsgpack.pack(retention.marks), 'size', retention.size, 'last', now)
end

redis.call('HSET', producers, producer, table.concat({ ARGV[3], ARGV[4], #records, first, now, log }, ' '))
return first
`);

/** Applies retention without appending: what age has overtaken, and what can make room when memory is full. */
export const tidyScript = new Script(`#!lua flags=allow-oom
-- KEYS stream meta
${RETENTION}
local stream, meta = KEYS[1], KEYS[2]
local retention = load_retention(meta)
if not retention then return 0 end
local now, count = now_ms(), redis.call('XLEN', stream) + retention.removed
if retention.age and retention.last > 0 and now - retention.last > retention.age and #retention.marks > 0 then
	-- Everything is older than the age: the newest segment goes too.
	local id = last_id(stream)
	local gone = redis.call('XTRIM', stream, 'MAXLEN', 0)
	redis.call('HSET', meta, 'floor', id, 'marks', cmsgpack.pack({}), 'last', 0)
	redis.call('HINCRBY', meta, 'removed', gone)
	return gone
end
if trim(stream, meta, retention, count, now) then redis.call('HSET', meta, 'marks', cmsgpack.pack(retention.marks)) end
return 0
`);
