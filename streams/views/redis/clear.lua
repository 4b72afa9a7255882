-- Takes some keys away. KEYS[1] beginning of the keys. ARGV: cursor, how many to look at. Returns the next cursor, nil at
-- the end.
local pattern = KEYS[1]:gsub('[%[%]%*%?%\\]', '\\%0') .. '*'
local answer = redis.call('SCAN', ARGV[1], 'MATCH', pattern, 'COUNT', ARGV[2])
if #answer[2] > 0 then
  redis.call('UNLINK', unpack(answer[2]))
end
return answer[1] ~= '0' and answer[1]
