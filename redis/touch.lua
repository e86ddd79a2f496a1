-- KEYS: session. ARGV: now, time to live, expires, lease, subject it is for.
-- Returns 1 when done or when there is nothing to do, 0 when absent, and the
-- subject when its set has to name the session for longer first.
local value = redis.call('GET', KEYS[1]) or ''
local old = head(value)
if not old or old.expires <= ARGV[1] then
  return 0
end
local expires, lease = ARGV[3], old.lease
if expires <= old.expires then
  return 1
end
if old.subject == ARGV[5] and lease < ARGV[4] then
  lease = ARGV[4]
end
if old.subject ~= '' and lease < expires then
  return old.subject
end
redis.call('SET', KEYS[1], expires .. ' ' .. lease .. string.sub(value, 28), 'PX', ARGV[2])
return 1
