// Lua that the append and tidy scripts share: retention, in segments.
//
// A partition with retention is cut, in thought, into about 16 segments per limit. Each has a mark: the last id before
// it, entries and bytes before it, the time and the id of its first entry, and the time of the append before it. A segment goes as a whole once the limits
// hold without it, so that trimming costs little per append; up to a sixteenth more than the limit stays, and the
// newest segment always does. `bytes` counts what this library appended.
//
// Facts of Redis 7.0.15 this rests on: XTRIM leaves max-deleted-entry-id alone (only XDEL raises it) and entries-added
// too, so what was trimmed cannot be read off the stream: `floor` (the last id that was trimmed) and `removed` (how
// many we trimmed) are kept beside it. XTRIM works while writes are refused for lack of memory.
export const RETENTION = `
local SEGMENTS = 16

local function load_retention(meta)
	local c = redis.call('HMGET', meta, 'records', 'bytes', 'age', 'marks', 'size', 'removed', 'last')
	local r = { records = tonumber(c[1]), bytes = tonumber(c[2]), age = tonumber(c[3]), size = tonumber(c[5] or '0'), removed = tonumber(c[6] or '0'), last = tonumber(c[7] or '0') }
	if not (r.records or r.bytes or r.age) then return nil end
	r.marks = c[4] and cmsgpack.unpack(c[4]) or {}
	return r
end

local function now_ms()
	local time = redis.call('TIME')
	return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function last_id(stream)
	local info = redis.pcall('XINFO', 'STREAM', stream)
	if info.err then return '0-0' end
	for i = 1, #info, 2 do if info[i] == 'last-generated-id' then return info[i + 1] end end
end

local function segment_full(r, count, now)
	local mark = r.marks[#r.marks]
	if not mark then return true end
	if r.records and count - mark[2] >= math.max(1, math.floor(r.records / SEGMENTS)) then return true end
	if r.bytes and r.size - mark[3] >= r.bytes / SEGMENTS then return true end
	return r.age ~= nil and now - mark[4] >= r.age / SEGMENTS
end

local function trim(stream, meta, r, count, now)
	local floor
	while #r.marks > 1 do
		local m = r.marks[2]
		if (r.records and count - m[2] >= r.records) or (r.bytes and r.size - m[3] >= r.bytes) or (r.age and now - m[6] > r.age) then
			table.remove(r.marks, 1)
			floor = m
		else
			break
		end
	end
	if floor then
		local gone = redis.call('XTRIM', stream, 'MINID', floor[5])
		redis.call('HSET', meta, 'floor', floor[1])
		redis.call('HINCRBY', meta, 'removed', gone)
	end
	return floor ~= nil
end
`;
