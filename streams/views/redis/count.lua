-- Number of items that are in one index of every group. KEYS[1] beginning of the view's keys. ARGV: topic, msgpack: groups
-- of indexes. Goes over the group with the fewest entries and asks the others.
local groups = cmsgpack.unpack(ARGV[2])
local driver, least = narrowest(groups, KEYS[1] .. 'z:' .. ARGV[1] .. ':')
if #groups == 1 and #groups[1] == 1 then
  return least
end

local seen, count = {}, 0
for _, key in ipairs(groups[driver]) do
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if not seen[id] and fits(groups, driver, id) then
      seen[id], count = true, count + 1
    end
  end
end
return count
