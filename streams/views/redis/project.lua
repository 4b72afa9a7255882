-- Takes a batch of transitions into the view; all or none, each at most once, in any order.
-- KEYS[1] beginning of the view's keys. ARGV[1] epoch, ARGV[2] owner of a filling or "", ARGV[3] how many closed items
-- of each topic are kept, ARGV[4] msgpack: a list of {topic, id, n, at, position, brings facts, {index, ...}}, then the
-- values. Numbers come as texts: Lua would round them. What an item is known by is written last: after a fault the batch
-- can be handed in again. Of the closed items those that closed last are kept; a batch takes away at most so many:
-- Returns {number that were new, 1 when the view is whole}, or -1: the filling is no longer this owner's.
local MOST = 1000
local base = KEYS[1]
local marker = redis.call('HMGET', base .. 'marker', 'epoch', 'owner')
if ARGV[2] ~= '' and (marker[1] ~= ARGV[1] or marker[2] ~= ARGV[2]) then
  return -1
end

local function packed(text)
  return text and cmsgpack.unpack(text) or {}
end

local function move(topic, id, opened, old, new)
  local keep = {}
  for _, index in ipairs(new) do
    keep[index] = true
    redis.call('ZADD', base .. 'z:' .. topic .. ':' .. index, opened, id)
  end
  for _, index in ipairs(old) do
    if not keep[index] then
      redis.call('ZREM', base .. 'z:' .. topic .. ':' .. index, id)
    end
  end
end

local function keep(topic, id, at, indexes) -- an item that is closed may go, the one that closed first before others
  for _, index in ipairs(indexes) do
    if index == 'open' then
      return redis.call('ZREM', base .. 'c:' .. topic, id)
    end
  end
  return redis.call('ZADD', base .. 'c:' .. topic, at, id)
end

local function forget(topic, id)
  local item = base .. 'i:' .. topic .. ':' .. id
  for _, index in ipairs(packed(redis.call('HGET', item, 'indexes'))) do
    redis.call('ZREM', base .. 'z:' .. topic .. ':' .. index, id)
  end
  redis.call('ZREM', base .. 'p:' .. topic, id)
  redis.call('DEL', item)
  redis.call('ZREM', base .. 'c:' .. topic, id)
end

local function take(topic, id, n, at, position, facts, indexes, value)
  local item = base .. 'i:' .. topic .. ':' .. id
  if redis.call('HEXISTS', item, 't' .. n) == 1 then
    return 0
  end
  local head = redis.call('HMGET', item, 'n', 'first', 'facts', 'opened', 'indexes')
  local old, opened, fields = packed(head[5]), head[4], {'t' .. n, value}
  if not head[2] or tonumber(n) < tonumber(head[2]) then
    opened = at
    for _, field in ipairs({'first', n, 'opened', opened}) do fields[#fields + 1] = field end
  end
  if facts and (not head[3] or tonumber(n) > tonumber(head[3])) then
    for _, field in ipairs({'facts', n}) do fields[#fields + 1] = field end
  end
  if not head[1] or tonumber(n) > tonumber(head[1]) then
    move(topic, id, opened, old, indexes)
    redis.call('ZADD', base .. 'p:' .. topic, 0, id)
    keep(topic, id, at, indexes)
    local last = {'n', n, 'at', at, 'position', position, 'indexes', cmsgpack.pack(indexes)}
    for _, field in ipairs(last) do fields[#fields + 1] = field end
  elseif opened ~= head[4] then
    move(topic, id, opened, old, old)
  end
  redis.call('HSET', item, unpack(fields))
  return 1
end

local new, topics = 0, {}
for number, t in ipairs(cmsgpack.unpack(ARGV[4])) do
  new, topics[t[1]] = new + take(t[1], t[2], t[3], t[4], t[5], t[6], t[7], ARGV[4 + number]), true
end
for topic in pairs(topics) do
  local excess = math.min(MOST, redis.call('ZCARD', base .. 'c:' .. topic) - tonumber(ARGV[3]))
  if excess > 0 then
    for _, id in ipairs(redis.call('ZRANGE', base .. 'c:' .. topic, 0, excess - 1)) do
      forget(topic, id)
    end
  end
end
return {new, marker[1] == ARGV[1] and marker[2] == '' and 1 or 0}
