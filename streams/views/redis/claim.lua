-- One claim. KEYS[1] its key. ARGV: "claim", owner, until, now, beginning of the keys of owners that have ended; or "release",
-- owner; or, with the key of an owner, "end". Instants in us, by the caller's clock.
-- Returns 1 when the claim is the owner's (claim), or was (release), else 0.
local kept = 600000
if ARGV[1] == 'end' then
  redis.call('SET', KEYS[1], 1, 'PX', 24 * 3600000)
  return 1
end
local row = redis.call('HMGET', KEYS[1], 'owner', 'until')
if ARGV[1] == 'release' then
  return row[1] == ARGV[2] and redis.call('DEL', KEYS[1]) or 0
end
if row[1] and row[1] ~= ARGV[2] and tonumber(row[2]) > tonumber(ARGV[4]) then
  local base = KEYS[1]:match('^(.*:)claim:')
  if redis.call('EXISTS', base .. ARGV[5] .. row[1]) == 0 then
    return 0
  end
end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'until', ARGV[3])
-- Redis forgets it well after it ended, whatever the difference of the clocks.
redis.call('PEXPIRE', KEYS[1], math.max(0, math.ceil((tonumber(ARGV[3]) - tonumber(ARGV[4])) / 1000)) + kept)
return 1
