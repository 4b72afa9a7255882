-- A token bucket. KEYS[1] its key. ARGV: tokens per second, tokens it holds, tokens wanted, now (us, caller's clock).
-- Returns "0" when the tokens were taken, else the us after which they may be there; time never runs backwards.
local rate, burst, wanted, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local row = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(row[1] or burst), tonumber(row[2] or now)
now = math.max(now, at)
tokens = math.min(burst, tokens + (now - at) * rate / 1000000)
if tokens < wanted then
  return string.format('%.0f', math.ceil((wanted - tokens) / rate * 1000000))
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens - wanted), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 600000)
return '0'
