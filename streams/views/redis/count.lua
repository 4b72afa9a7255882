-- Number of items that are in one index of every group. KEYS[1] beginning of the view's keys. ARGV: topic, msgpack: groups
-- of indexes. Goes over the group with the fewest entries and asks the others.
local base, groups, driver, least = KEYS[1] .. 'z:' .. ARGV[1] .. ':', cmsgpack.unpack(ARGV[2]), nil, nil
for number, group in ipairs(groups) do
  local size = 0
  for i, index in ipairs(group) do
    group[i] = base .. index
    size = size + redis.call('ZCARD', group[i])
  end
  if not least or size < least then
    driver, least = number, size
  end
end
if #groups == 1 and #groups[1] == 1 then
  return least
end

local function fits(id)
  for number, group in ipairs(groups) do
    local inside = number == driver
    for _, key in ipairs(group) do
      inside = inside or redis.call('ZSCORE', key, id)
    end
    if not inside then
      return false
    end
  end
  return true
end

local seen, count = {}, 0
for _, key in ipairs(groups[driver]) do
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if not seen[id] and fits(id) then
      seen[id], count = true, count + 1
    end
  end
end
return count
