// Required by each process that the bench starts: tells it at the end what the operating system counted.
const { writeFileSync } = require("node:fs");

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(
    process.env.BENCH_PROBE,
    JSON.stringify({ processor: (userCPUTime + systemCPUTime) / 1e6, memoryMiB: maxRSS / 1024 }),
  );
});
