// Loaded before the measured program: writes what its process took when it leaves. The operating system's own peak,
// where sampling from outside would miss it.
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(
    process.env.SLUICE_BENCH_RECORD,
    JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMb: maxRSS / 1024 }),
  );
});
