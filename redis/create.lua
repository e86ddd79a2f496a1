-- Takes the place of a session that has expired and that is still there.
-- KEYS: session. ARGV: now, time to live, value.
-- Returns 1 when created, -1 when the session is live.
local old = stored(KEYS[1])
if old and old.expires > ARGV[1] then
  return -1
end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
end
return 1
