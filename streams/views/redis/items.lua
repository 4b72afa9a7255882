-- Finds items in the order in which they were opened (ties by id), and how each stands.
-- KEYS[1] beginning of the view's keys. ARGV: topic, "1" newest first, limit, score and id of the last item before
-- ("" and "" for none), candidates to look at most, msgpack: groups of indexes; an item fits when it is in one index
-- of every group. Walks the group with the fewest entries and asks the others.
-- Returns {score, id} of the last candidate ("" at the end), then for each item {id, n, opened, at, position,
-- value, value with the facts or nil}.
local base, topic, newest, limit = KEYS[1], ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local score, before, most = ARGV[4], ARGV[5], tonumber(ARGV[6])
local PAGE = 100

local function less(a, b) -- by bytes, as Redis orders members; Lua's own < goes by the locale
  local length = math.min(#a, #b)
  for i = 1, length do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

local function behind(a, b) -- whether id `a` comes after `b` in this walk
  if newest then
    return less(a, b)
  end
  return less(b, a)
end

local range = newest and 'ZREVRANGE' or 'ZRANGE'

local function start(key) -- rank of the first entry after (score, before)
  if score == '' then
    return 0
  end
  local low, high
  if newest then
    low, high = redis.call('ZCOUNT', key, '(' .. score, '+inf'), redis.call('ZCOUNT', key, score, '+inf')
  else
    low, high = redis.call('ZCOUNT', key, '-inf', '(' .. score), redis.call('ZCOUNT', key, '-inf', score)
  end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if behind(redis.call(range, key, middle, middle)[1], before) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

local function head(walk) -- the walk's next {id, score}, or nil
  if walk.at > #walk.page then
    walk.page, walk.at = redis.call(range, walk.key, walk.rank, walk.rank + PAGE - 1, 'WITHSCORES'), 1
    walk.rank = walk.rank + PAGE
  end
  return walk.page[walk.at], walk.page[walk.at + 1]
end

local groups = cmsgpack.unpack(ARGV[7])
local driver = narrowest(groups, base .. 'z:' .. topic .. ':')

local walks = {}
for _, key in ipairs(groups[driver]) do
  walks[#walks + 1] = {key = key, rank = start(key), page = {}, at = 1}
end

local function following() -- the next candidate of all walks; the same id in several counts once
  local best, at, found = nil, nil, {}
  for _, walk in ipairs(walks) do
    local id, opened = head(walk)
    if id then
      local value = tonumber(opened)
      local sooner = best == nil or (newest and value > at) or (not newest and value < at)
      if sooner or (value == at and best ~= id and behind(best, id)) then
        best, at, found = id, value, {walk}
      elseif id == best then
        found[#found + 1] = walk
      end
      if best == id then
        score = opened
      end
    end
  end
  for _, walk in ipairs(found) do
    walk.at = walk.at + 2
  end
  return best
end

local found, looked = {}, 0
while #found < limit and looked < most do
  local id = following()
  if not id then
    score, before = '', ''
    break
  end
  looked, before = looked + 1, id
  if fits(groups, driver, id) then
    found[#found + 1] = id
  end
end
local answer = {score, before}
for _, id in ipairs(found) do
  local item = base .. 'i:' .. topic .. ':' .. id
  local row = redis.call('HMGET', item, 'n', 'opened', 'at', 'position', 'facts')
  local facts = row[5] and row[5] ~= row[1] and redis.call('HGET', item, 't' .. row[5])
  answer[#answer + 1] = {id, row[1], row[2], row[3], row[4], redis.call('HGET', item, 't' .. row[1]), facts}
end
return answer
