-- The start of every script: reads what a key holds of a session, which is
-- "EXPIRES LEASE VERSION SUBJECT\0DATA".
local function head(value)
  if value == '' then
    return nil
  end
  local expires, lease, version, subject = string.match(value, '^(%d+) (%d+) (%d+) ([^%z]*)%z')
  if not expires or #expires ~= 13 or #lease ~= 13 then
    error('what is stored there is no session: does another program use this prefix?', 0)
  end
  return { expires = tonumber(expires), lease = tonumber(lease), version = version, subject = subject }
end

-- What is stored, without the data; the times are always 13 digits long.
local function stored(key)
  return head(redis.call('GETRANGE', key, 0, 2 * 14 + 20 + 1 + 255))
end
