-- KEYS: session. ARGV: now, subject. Returns 1 when a live session was removed.
-- A session that has just left the subject stays.
local old = stored(KEYS[1])
if not old or old.subject ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[1])
return old.expires > ARGV[1] and 1 or 0
