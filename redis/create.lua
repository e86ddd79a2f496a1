-- KEYS: session. ARGV: now, time to live, value.
-- Returns 1 when created, -1 when the session exists.
local old = stored(KEYS[1])
if old and old.expires > tonumber(ARGV[1]) then
  return -1
end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
end
return 1
