-- How items stand. KEYS[1] beginning of the view's keys. ARGV[1] "get", "find" or "history"; topic; id or its beginning;
-- for find: how many at most. get, find: for each item {id, n, opened, at, position, value, value with the facts or
-- nil}. history: the values of all transitions, in no order.
local base, what, topic, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

local function stand(name)
  local item = base .. 'i:' .. topic .. ':' .. name
  local row = redis.call('HMGET', item, 'n', 'opened', 'at', 'position', 'facts')
  if not row[1] then
    return nil
  end
  local facts = row[5] and row[5] ~= row[1] and redis.call('HGET', item, 't' .. row[5])
  return {name, row[1], row[2], row[3], row[4], redis.call('HGET', item, 't' .. row[1]), facts}
end

if what == 'history' then
  local all, values = redis.call('HGETALL', base .. 'i:' .. topic .. ':' .. id), {}
  for i = 1, #all, 2 do
    if all[i]:find('^t%d+$') then
      values[#values + 1] = all[i + 1]
    end
  end
  return values
end
if what == 'get' then
  local row = stand(id)
  return row and {row} or {}
end
local low, high = '[' .. id, '(' .. id .. '\255'
if id == '' then
  low, high = '-', '+'
end
local rows = {}
for _, name in ipairs(redis.call('ZRANGEBYLEX', base .. 'p:' .. topic, low, high, 'LIMIT', 0, tonumber(ARGV[4]))) do
  rows[#rows + 1] = stand(name)
end
return rows
