-- Marks entries of a set as over, but for those that have another lease than is
-- said here. KEYS: set. ARGV: the most entries to look at, the shortest lease, the
-- longest, and then lease and session of each.
local leases = {}
for i = 4, #ARGV, 2 do
  leases[ARGV[i + 1]] = ARGV[i]
end
local over = {}
local found = redis.call('ZRANGE', KEYS[1], ARGV[2], ARGV[3], 'BYSCORE', 'LIMIT', 0, ARGV[1], 'WITHSCORES')
for i = 1, #found, 2 do
  if leases[found[i]] == found[i + 1] then
    over[#over + 1] = 0
    over[#over + 1] = found[i]
  end
end
if #over > 0 then
  redis.call('ZADD', KEYS[1], 'XX', unpack(over))
end
return #over / 2
