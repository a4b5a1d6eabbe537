-- What the clients call. Nothing in here yields before its commit, so each procedure is one step.
if not box.info.ro then
    box.schema.user.grant('guest', 'super', nil, nil, { if_not_exists = true })
    local function make(name, parts)
        local space = box.schema.space.create(name, { if_not_exists = true, is_sync = is_sync })
        space:create_index('primary', { if_not_exists = true, parts = parts })
    end
    make('registers', { 1, 'string' })
    make('counters', { 1, 'string' })
    make('lists', { 1, 'string' })
    make('elements', { 1, 'string', 2, 'string' })
    make('probes', { 1, 'unsigned' })
end

-- What a server that was killed had not confirmed when it died is confirmed or taken back now.
local has_begun = not is_sync or box.info.ro
if not has_begun then
    require('fiber').create(function()
        box.ctl.clear_synchro_queue()
        has_begun = true
    end)
end

local function of(space, key)
    local found = box.space[space]:get(key)
    return found and found[2]
end

-- Whether the server can be called, and with `writes` also whether it takes them.
function disprove_ready(writes)
    if writes and not has_begun then
        return false
    end
    if writes then
        box.space.probes:replace({ 1 })
    end
    return true
end

function disprove_read(key)
    return of('registers', key)
end

function disprove_write(key, value)
    box.space.registers:replace({ key, value })
end

function disprove_swap(key, from, to)
    if of('registers', key) ~= from then
        return false
    end
    box.space.registers:replace({ key, to })
    return true
end

function disprove_add(key, element)
    box.space.elements:replace({ key, element })
end

function disprove_remove(key, element)
    return box.space.elements:delete({ key, element }) ~= nil
end

function disprove_contains(key, element)
    return box.space.elements:get({ key, element }) ~= nil
end

function disprove_elements(key)
    local elements = {}
    for _, found in box.space.elements:pairs({ key }) do
        table.insert(elements, found[2])
    end
    return elements
end

function disprove_count(key, number)
    box.space.counters:upsert({ key, number }, { { '+', 2, number } })
end

function disprove_counted(key)
    return of('counters', key) or 0
end

-- Each step is a key, and a value where something is written.
function disprove_registers(steps)
    local answers = {}
    box.begin()
    for number, step in ipairs(steps) do
        answers[number] = of('registers', step[1]) or box.NULL
        if step[2] then
            box.space.registers:replace({ step[1], step[2] })
        end
    end
    box.commit()
    return answers
end

function disprove_lists(steps)
    local answers = {}
    box.begin()
    for number, step in ipairs(steps) do
        local list = of('lists', step[1]) or {}
        answers[number] = list
        if step[2] then
            answers[number] = box.NULL
            table.insert(list, step[2])
            box.space.lists:replace({ step[1], list })
        end
    end
    box.commit()
    return answers
end
