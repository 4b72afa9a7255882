-- Groups of indexes, before the scripts that go over items: an item fits when it is in one index of every group.

local function narrowest(groups, beginning) -- names the indexes' keys; the group with the fewest entries, and how many
  local driver, least = nil, nil
  for number, group in ipairs(groups) do
    local size = 0
    for i, index in ipairs(group) do
      group[i] = beginning .. index
      size = size + redis.call('ZCARD', group[i])
    end
    if not least or size < least then
      driver, least = number, size
    end
  end
  return driver, least
end

local function fits(groups, driver, id) -- for an id of the group `driver`
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

