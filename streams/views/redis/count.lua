-- Number of items in an index. KEYS[1] beginning of the view's keys. ARGV: topic, index.
return redis.call('ZCARD', KEYS[1] .. 'z:' .. ARGV[1] .. ':' .. ARGV[2])
