-- KEYS: session. ARGV: now; time to live, or "keep" for what is stored, or "end"
-- to delete; the expected " LEASE VERSION SUBJECT\0"; where that ends; value.
-- Returns 1 when done, 0 when absent, -1 over another version, and the expiry
-- when the set of the subject has to name the session until then first.
local keep = ARGV[2] == 'keep'

-- Almost always the session is as the caller expects it, and the value is right.
if not keep and ARGV[2] ~= 'end' then
  local head = redis.call('GETRANGE', KEYS[1], 0, ARGV[4])
  if string.sub(head, 1, 13) > ARGV[1] and string.sub(head, 14) == ARGV[3] then
    redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[2])
    return 1
  end
end

local old = stored(KEYS[1])
if not old or old.expires <= ARGV[1] then
  return 0
end
if old.version ~= string.sub(ARGV[3], 16, 35) then
  return -1
end
if ARGV[2] == 'end' then
  redis.call('DEL', KEYS[1])
  return 1
end

local new = head(ARGV[5])
local expires, lease = new.expires, new.lease
if keep then
  expires = old.expires
end
if lease == string.sub(ARGV[3], 2, 14) then
  lease = '0000000000000' -- it was only expected: the set was not entered
end
if new.subject == old.subject and lease < old.lease then
  lease = old.lease
end
if new.subject ~= '' and lease < expires then
  return tonumber(expires)
end
local value = expires .. ' ' .. lease .. string.sub(ARGV[5], 28)
if keep then
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
else
  redis.call('SET', KEYS[1], value, 'PX', ARGV[2])
end
return 1
