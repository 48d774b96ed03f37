-- Signed events from a file (one request a line: signature, a tab, the body), each thread its own share.
local counter = 0
function setup(thread)
  thread:set("share", counter)
  counter = counter + 1
end
function init(args)
  threads, requests, at = tonumber(args[2]), {}, 1
  local n = 0
  for line in io.lines(args[1]) do
    if n % threads == share then
      local signature, body = line:match("^([^\t]*)\t(.*)$")
      requests[#requests + 1] = wrk.format("POST", nil, {["Stripe-Signature"] = signature, ["Content-Type"] = "application/json",
        ["Host"] = "localhost"}, body)
    end
    n = n + 1
  end
end
function request()
  local r = requests[at]
  at = at % #requests + 1
  return r
end
function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %.0f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(99)))
end
