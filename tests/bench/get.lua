-- A plain GET; the result on one line.
function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %.0f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(99)))
end
