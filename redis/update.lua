-- KEYS: session. ARGV: now, time to live or "keep", version to replace, value.
-- Returns 1 when done, 0 when absent, -1 over another version, and the expiry
-- when the set of the subject has to name the session until then first.
local old = stored(KEYS[1])
if not old or old.expires <= tonumber(ARGV[1]) then
  return 0
end
if old.version ~= ARGV[3] then
  return -1
end
local keep = ARGV[2] == 'keep'
if not keep and tonumber(ARGV[2]) <= 0 then
  redis.call('DEL', KEYS[1])
  return 1
end

local value = ARGV[4]
local new = head(value)
local expires, lease = new.expires, new.lease
if keep then
  expires = old.expires
end
if new.subject == old.subject then
  lease = math.max(lease, old.lease)
end
if new.subject ~= '' and lease < expires then
  return expires
end
if expires ~= new.expires or lease ~= new.lease then
  value = string.format('%013d %013d', expires, lease) .. string.sub(value, 28)
end
if keep then
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
else
  redis.call('SET', KEYS[1], value, 'PX', ARGV[2])
end
return 1
