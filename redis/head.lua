-- Reads what a key holds of a session: "EXPIRES LEASE VERSION SUBJECT\0DATA". The
-- numbers are of fixed width, so they are compared as text.
local function head(value)
  if value == '' then
    return nil
  end
  local expires, lease, version, subject = string.match(value, '^(%d+) (%d+) (%d+) ([^%z]*)%z')
  if not expires or #expires ~= 13 or #lease ~= 13 or #version ~= 20 then
    error('what is stored there is no session: does another program use this prefix?', 0)
  end
  return { expires = expires, lease = lease, version = version, subject = subject }
end

-- What is stored, without the data.
local function stored(key)
  return head(redis.call('GETRANGE', key, 0, 2 * 14 + 21 + 255))
end
