-- SPDX-License-Identifier: Apache-2.0
-- Copyright the mskpush authors

-- Runs inside pktgen as the receiver of mskpushd (docs/benchmarking.md): counts what arrives on a
-- port, second by second, and prints the sum when nothing has come for a while.
--   pktgen EAL-ARGUMENTS -- -P -m "1.0" -f pktgen-mskpush.lua

package.path = package.path .. ";?.lua;test/?.lua;app/?.lua"
require "Pktgen"

local port = "0"
local quiet_s = 5 -- the push is over when nothing came for so long
local most_s = 600

local function received()
	return pktgen.portStats(port)[0].ipackets
end

local function main()
	local begin, last, silent, first_s, last_s = received(), received(), 0, nil, nil

	printf("mskpush: waiting for frames on port %s\n", port)
	for second = 1, most_s do
		pktgen.delay(1000)
		local now = received()

		if now > last then
			first_s = first_s or second
			last_s, silent = second, 0
			printf("mskpush: second=%d rate=%d total=%d\n", second, now - last, now - begin)
		elseif first_s then
			silent = silent + 1
		end
		last = now
		if silent >= quiet_s then
			break
		end
	end
	printf("mskpush: received=%d seconds=%d\n", last - begin, first_s and last_s - first_s + 1 or 0)
end

main()
