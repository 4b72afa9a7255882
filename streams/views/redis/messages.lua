-- Messages of alerts. KEYS[1] beginning of the keys. ARGV[1] "project" or "of".
-- project: msgpack list of {alert, id, settled (1 or 0), kept until (ms, text)}, then the values: what became of a message
-- counts, in whatever order it comes. of: alert; the values, in no order.
local base = KEYS[1]
if ARGV[1] == 'of' then
  return redis.call('HVALS', base .. ARGV[2])
end
for number, m in ipairs(cmsgpack.unpack(ARGV[2])) do
  local key, value = base .. m[1], ARGV[2 + number]
  redis.call(m[3] == 1 and 'HSET' or 'HSETNX', key, m[2], value)
  if redis.call('PTTL', key) == -1 then
    redis.call('PEXPIREAT', key, m[4])
  else
    redis.call('PEXPIREAT', key, m[4], 'GT')
  end
end
return {}
