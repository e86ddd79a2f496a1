-- KEYS: session. Removes whatever is there. Returns "LEASE SUBJECT" of a session
-- that had a subject, so that its set can forget it.
local known, old = pcall(stored, KEYS[1])
redis.call('DEL', KEYS[1])
return known and left(old) or ''
