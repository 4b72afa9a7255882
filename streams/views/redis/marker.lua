-- The marker: whether the view is whole, and who fills it. KEYS[1] beginning of the view's keys.
-- ARGV: what, epoch, then: standing; forget; begin: owner, now, until, total; page: owner, until, count; finish: owner.
-- Instants have 16 digits: Lua's numbers hold them exactly.
local key, what, epoch, owner = KEYS[1] .. 'marker', ARGV[1], ARGV[2], ARGV[3]
local row = redis.call('HMGET', key, 'epoch', 'owner', 'until', 'done', 'total')
local ours = row[1] == epoch

if what == 'standing' then
  if not ours then
    return {'', '0', '0', ''}
  end
  return {'1', row[4], row[5], row[2]}
end
if what == 'forget' then
  return redis.call('DEL', key)
end
if what == 'begin' then
  local held = ours and row[2] ~= '' and row[2] ~= owner and tonumber(row[3]) > tonumber(ARGV[4])
  if held or (ours and row[2] == '') then
    return 0
  end
  redis.call('HSET', key, 'epoch', epoch, 'owner', owner, 'until', ARGV[5], 'done', '0', 'total', ARGV[6])
  return 1
end
if not ours or row[2] ~= owner then
  return 0
end
if what == 'page' then
  redis.call('HSET', key, 'until', ARGV[4])
  redis.call('HINCRBY', key, 'done', ARGV[5])
else
  redis.call('HSET', key, 'owner', '')
end
return 1
