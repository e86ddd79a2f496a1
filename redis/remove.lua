-- KEYS: session. ARGV: now, subject. Removes a session of the subject. Returns
-- its lease if it was live, or nothing. A session that has just left the subject
-- stays.
local old = stored(KEYS[1])
if not old or old.subject ~= ARGV[2] then
  return ''
end
redis.call('DEL', KEYS[1])
return old.expires > ARGV[1] and old.lease or ''
