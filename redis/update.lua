-- KEYS: session. ARGV: now, time to live, version to replace, value.
-- Returns 1 when done, 0 when absent, -1 over another version, and the subject
-- when its set has to name the session first, for as long as the value says.
local old = stored(KEYS[1])
if not old or old.expires <= tonumber(ARGV[1]) then
  return 0
end
if old.version ~= ARGV[3] then
  return -1
end
if tonumber(ARGV[2]) <= 0 then
  redis.call('DEL', KEYS[1])
  return 1
end

local value = ARGV[4]
local new = head(value)
if new.subject == old.subject and new.lease < old.lease then
  new.lease = old.lease
  value = string.sub(value, 1, 14) .. string.format('%013d', new.lease) .. string.sub(value, 28)
end
if new.subject ~= '' and new.lease < new.expires then
  return new.subject
end
redis.call('SET', KEYS[1], value, 'PX', ARGV[2])
return 1
