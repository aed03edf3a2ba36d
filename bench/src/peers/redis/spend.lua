-- The work of a spend in Redis. Amounts are fen.
--
-- KEYS: the spend's id, the wallet, the merchant. ARGV: the amount.
-- A wallet is a hash: `first` and `last` number its lots, `principal` and `bonus` are what is left in all,
-- and a lot is one field, "principal granted,bonus granted,principal left,bonus left".
--
-- The answer is also what is kept under the id: amount, lines, balance after. A repeat gets it again.
local first = redis.call('GET', KEYS[1])
if first then
    return { 1, first }
end

local wallet, amount = KEYS[2], tonumber(ARGV[1])
local state = redis.call('HMGET', wallet, 'first', 'last', 'principal', 'bonus')
local lot, last = tonumber(state[1]), tonumber(state[2])
local principal, bonus = tonumber(state[3]), tonumber(state[4])
if not lot or principal + bonus < amount then
    return redis.error_reply('insufficient_funds')
end

local rest, lines, changes = amount, {}, {}
while rest > 0 and lot <= last do
    local text = redis.call('HGET', wallet, lot)
    local p, b, p_left, b_left = string.match(text, '(%d+),(%d+),(%d+),(%d+)')
    p, b, p_left, b_left = tonumber(p), tonumber(b), tonumber(p_left), tonumber(b_left)
    local take = math.min(rest, p_left + b_left)
    if take > 0 then
        -- Rounded over all that the lot has paid and not over one spend (rule A3). Whole numbers below
        -- 2^53 are exact in Lua.
        local total = p + b - p_left - b_left + take
        local of_principal = math.floor((2 * total * p + p + b) / (2 * (p + b))) - (p - p_left)
        local of_bonus = take - of_principal
        changes[#changes + 1] = lot
        changes[#changes + 1] = string.format('%d,%d,%d,%d', p, b, p_left - of_principal, b_left - of_bonus)
        lines[#lines + 1] = string.format('%d:%d:%d', lot, of_principal, of_bonus)
        principal, bonus, rest = principal - of_principal, bonus - of_bonus, rest - take
    end
    if rest > 0 then
        lot = lot + 1
    end
end

redis.call('HSET', wallet, 'first', lot, 'principal', string.format('%d', principal), 'bonus',
    string.format('%d', bonus), unpack(changes))
redis.call('HINCRBY', 'merchants', KEYS[3], ARGV[1])
local answer = string.format('%s,%s,%d,%s,%d,%d', wallet, KEYS[3], amount, table.concat(lines, ' '), principal, bonus)
redis.call('SET', KEYS[1], answer)
return { 0, answer }
