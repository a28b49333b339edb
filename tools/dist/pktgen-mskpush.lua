-- SPDX-License-Identifier: Apache-2.0
-- Copyright the mskpush authors

-- Runs inside pktgen as the receiver of mskpushd (docs/benchmarking.md): counts what arrives on a
-- port, second by second, and prints the sum when nothing has come for a while.
--   pktgen EAL-ARGUMENTS -- -P -m "1.0" -f pktgen-mskpush.lua

local port = 0
local quiet_s = 5 -- the push is over when nothing came for so long
local most_s = 600

local function received()
	return pktgen.portStats(tostring(port), "port")[port].ipackets
end

local function say(format, ...)
	io.write("mskpush: ", string.format(format, ...), "\n")
	io.flush()
end

local function main()
	local begin = received()
	local last, silent, first_s, last_s = begin, 0, nil, nil

	say("waiting for frames on port %d", port)
	for second = 1, most_s do
		pktgen.delay(1000)
		local now = received()

		if now > last then
			first_s = first_s or second
			last_s, silent = second, 0
			say("second=%d rate=%d total=%d", second, now - last, now - begin)
		elseif first_s then
			silent = silent + 1
		end
		last = now
		if silent >= quiet_s then
			break
		end
	end
	say("received=%d seconds=%d", last - begin, first_s and last_s - first_s + 1 or 0)
end

main()
