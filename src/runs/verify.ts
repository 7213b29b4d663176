import { join } from 'node:path';
import type { CommitRecord } from './commit.ts';
import { fileSha256 } from './file-sha256.ts';
import type { Layout } from './layout.ts';

/** What was found when the parts were held against their commit records. Paths below the output directory. */
export interface Verified {
  /** Parts that were looked at. */
  parts: number;
  missing: string[];
  /** Other bytes than were committed. */
  changed: string[];
}

/** Reads every committed part and compares its SHA-256. */
export async function verifyParts(
  layout: Layout,
  records: ReadonlyMap<number, CommitRecord>,
): Promise<Verified> {
  const verified: Verified = { parts: 0, missing: [], changed: [] };
  for (const record of records.values()) {
    verified.parts++;
    try {
      if ((await fileSha256(join(layout.root, record.part))) !== record.sha256)
        verified.changed.push(record.part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      verified.missing.push(record.part);
    }
  }
  return verified;
}
