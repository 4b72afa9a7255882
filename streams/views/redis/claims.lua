-- Claims, page by page. KEYS[1] beginning of their keys. ARGV: cursor, how many keys to look at. Returns the next cursor
-- ("0" at the end), then the id and the end of each claim that was found.
local pattern = KEYS[1]:gsub('[%[%]%*%?%\\]', '\\%0') .. '*'
local answer = redis.call('SCAN', ARGV[1], 'MATCH', pattern, 'COUNT', ARGV[2])
local found = {answer[1]}
for _, key in ipairs(answer[2]) do
  local ends = redis.call('HGET', key, 'until')
  if ends then
    found[#found + 1] = key:sub(#KEYS[1] + 1)
    found[#found + 1] = ends
  end
end
return found
