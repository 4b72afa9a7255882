-- Who is alive. KEYS[1] beginning of the keys. ARGV: "announce", name, about, until; "leave", name; or "alive", now (us).
-- alive: {name, about, ...} in the order of names; who ended is forgotten.
local about, ends = KEYS[1] .. 'about', KEYS[1] .. 'until'
if ARGV[1] == 'announce' then
  redis.call('HSET', about, ARGV[2], ARGV[3])
  redis.call('ZADD', ends, ARGV[4], ARGV[2])
  return {}
end
local gone = {ARGV[2]}
if ARGV[1] == 'alive' then
  gone = redis.call('ZRANGEBYSCORE', ends, '-inf', ARGV[2])
end
for _, name in ipairs(gone) do
  redis.call('HDEL', about, name)
  redis.call('ZREM', ends, name)
end
return redis.call('HGETALL', about)
