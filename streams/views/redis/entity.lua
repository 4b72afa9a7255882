-- Entities as they stand. KEYS[1] beginning of the keys. ARGV[1] "project", "get" or "of".
-- project: msgpack list of {kind|id, home, at, place, put (1) or delete (0)}, then the values. Of one home the change with
-- the greatest (at, place) counts, of several homes that wrote the entity the latest; in whatever order they come.
-- get: kind|id. of: home, how many at most, kind|id after which to begin. Both: {kind|id, home, at, value} each.
local base = KEYS[1]

local function parse(text) -- at, place, put
  local at, place, put = text:match('^(%d+) (%d+) (%d)$')
  return tonumber(at), tonumber(place), put == '1', at
end

local function take(change, value)
  local name, home, at, place, put = unpack(change)
  local key = base .. 'e:' .. name
  local before = redis.call('HGET', key, 'h' .. home)
  if before then
    local known_at, known_place = parse(before)
    local new_at, new_place = tonumber(at), tonumber(place)
    if new_at < known_at or (new_at == known_at and new_place <= known_place) then
      return 0
    end
  end
  if put == '1' then
    redis.call('ZADD', base .. 'h:' .. home, 0, name)
    redis.call('HSET', key, 'h' .. home, at .. ' ' .. place .. ' 1', 'v' .. home, value)
  else
    redis.call('HSET', key, 'h' .. home, at .. ' ' .. place .. ' 0')
    redis.call('HDEL', key, 'v' .. home)
    redis.call('ZREM', base .. 'h:' .. home, name)
  end
  return 1
end

local function row_of(name) -- where it was written last
  local key = base .. 'e:' .. name
  local fields, best, best_at, written = redis.call('HKEYS', key), nil, nil, nil
  table.sort(fields)
  for _, field in ipairs(fields) do
    if field:sub(1, 1) == 'h' then
      local at, _, put, text = parse(redis.call('HGET', key, field))
      if put and (not best or at > best_at) then
        best, best_at, written = field:sub(2), at, text
      end
    end
  end
  return best and {name, best, written, redis.call('HGET', key, 'v' .. best)} or nil
end

if ARGV[1] == 'project' then
  local new = 0
  for number, change in ipairs(cmsgpack.unpack(ARGV[2])) do
    new = new + take(change, ARGV[2 + number])
  end
  return new
end
if ARGV[1] == 'get' then
  return row_of(ARGV[2])
end
local rows, low = {}, ARGV[4] == '' and '-' or '(' .. ARGV[4]
for _, name in ipairs(redis.call('ZRANGEBYLEX', base .. 'h:' .. ARGV[2], low, '+', 'LIMIT', 0, tonumber(ARGV[3]))) do
  local row = row_of(name)
  if row and row[2] == ARGV[2] then
    rows[#rows + 1] = row
  end
end
return rows
