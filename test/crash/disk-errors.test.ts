import { describe, expect, test } from 'vitest';
import { withEmulator } from '../e2e/emulated.ts';
import { sluice } from '../e2e/sluice.ts';
import {
  answeredRows,
  folderWith,
  keptAnswers,
  neverKilled,
  outputOf,
  variants,
  watched,
} from './harness.ts';

const ROWS = 30;

/** What the disk refuses, from that operation on. */
const errors = [
  'write _sluice/.plan.json.tmp#1:ENOSPC',
  'write _sluice/journal/N.journal#1:ENOSPC',
  'write _sluice/journal/N.journal#3:EIO',
  'datasync _sluice/journal/N.journal#3:EIO',
  'mkdir _sluice/tmp#1:EROFS',
  'sync _sluice/tmp/part-N.tmp#2:EIO',
  'rename part-N#1:EIO',
  'write _sluice/errors/.N.jsonl.tmp#1:ENOSPC',
  'sync _sluice/shards/.N.json.tmp#2:EIO',
  'rename _sluice/shards/N.json#2:ENOSPC',
  'write ._SUCCESS.tmp#1:ENOSPC',
];

describe('a disk that fails', () => {
  test.each(errors)('%s: exit 3 with place and reason, and the next run goes on', async (error) => {
    const variant = variants[errors.indexOf(error) % variants.length]!;
    const folder = folderWith(variant, ROWS);
    const reason = error.slice(error.lastIndexOf(':') + 1);
    await withEmulator({}, async ({ url, stats }) => {
      const failed = await sluice(
        folder,
        ['run', 'job.yaml', '--log-format', 'json'],
        watched(folder, url, error),
      );
      expect(failed.stderr).toMatch(new RegExp(`out.*${reason}`));
      expect(failed.code).toBe(3);
      const kept = keptAnswers(folder);
      const answered = stats().rowsAnswered;
      expect(await sluice(folder, ['run', 'job.yaml'], { API_URL: url })).toMatchObject({ code: 0 });
      expect(stats().rowsAnswered - answered).toBe(answeredRows(ROWS) - kept);
      expect(outputOf(folder)).toEqual(await neverKilled(variant, ROWS));
    });
  });
});
