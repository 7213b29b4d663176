import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Engine } from '../duckdb/engine.ts';
import { quoteIdentifier } from '../duckdb/quote.ts';
import { Exit, messageOf, SluiceError } from '../errors.ts';
import type { Compression } from '../spec/job.ts';
import { makeFolder, removeFile } from '../storage/durable.ts';
import { localStorage } from '../storage/local.ts';
import type { PartRequest, Writer } from '../writers/writer.ts';
import { deadLetterLines } from './dead-letters.ts';
import { fileSha256 } from './file-sha256.ts';
import { Layout } from './layout.ts';
import { refuseLinks } from './links.ts';
import { assertBalanced } from './ledger.ts';
import type { ShardWork } from './shard-work.ts';
import { stateText } from './state-file.ts';

/** Version of the commit records; a reader refuses any other. */
export const recordVersion = 1;

/** `_sluice/shards/NNNNN.json`: this shard is done, and this is its part. */
export interface CommitRecord {
  version: number;
  shard: number;
  /** Source file and the range of its rows. */
  file: string;
  start: number;
  rows: number;
  /** Path of the part below the output directory. */
  part: string;
  bytes: number;
  /** Of the part. */
  sha256: string;
  /** Rows of the shard: `succeeded + failed + filtered`. */
  read: number;
  succeeded: number;
  failed: number;
  filtered: number;
  /** Of the dead letters' file; null where there is none. */
  errors_sha256?: string | null;
  /** ISO time. */
  committed: string;
  model: string | null;
  /** Over the files of a model on this machine, hex: which weights of that name they were. */
  model_sha256?: string;
}

/** What is the same for all shards of a run. */
export interface CommitContext {
  engine: Engine;
  writer: Writer;
  layout: Layout;
  compression: Compression;
  /** Result columns with their names in the part. */
  results: readonly { name: string; as: string }[];
  /** Failed rows are left out of the part. */
  dropFailed: boolean;
  model: string | undefined;
  /** Only of a model on this machine. */
  modelSha256: string | undefined;
  /** Throws when the output is somebody else's by now: writing a part takes long. */
  confirm: () => Promise<void>;
}

/**
 * Makes a complete shard's part appear: whole, checked, on the disk, and only then recorded.
 *
 * temp file → row count read back → fsync → SHA-256 → rename → fsync of the folder → dead letters → commit record →
 * journal removed. A kill before the record leaves the journal, from which the next run makes the same bytes again; a
 * kill after it leaves at most a journal that is no longer needed. A run that was suspended anywhere here while another
 * one took its lock renames nothing any more: the other one has removed the temp files before it began.
 */
export async function commitShard(
  context: CommitContext,
  work: ShardWork,
  relation: PartRequest['kept'],
): Promise<CommitRecord> {
  const { engine, writer, layout, compression } = context;
  const { shard, file, answers } = work;
  await answers.flush();

  const counts = {
    read: shard.selected,
    succeeded: answers.succeeded,
    failed: answers.failed,
    filtered: work.filtered,
  };
  assertBalanced({ ...counts, pending: 0 }, `shard ${shard.id}`);
  const expected = counts.succeeded + (context.dropFailed ? 0 : counts.failed);

  const part = Layout.part(shard.id, file.folders, writer.extension(compression));
  const target = join(layout.root, part);
  // Looked at when the run began; somebody may have moved a folder to another disk since.
  await refuseLinks(layout.root, [layout.temporary, dirname(target)]);
  const temporary = layout.temporaryPart(shard.id);
  await makeFolder(layout.temporary);
  try {
    await writer.write(engine, {
      ...(relation === undefined ? {} : { kept: relation }),
      results: answers.feed(),
      arrange: (feed) => resultsInOrder(feed, shard.start, context.results),
      drop: context.dropFailed,
      columns: [...(relation?.columns ?? []), ...context.results].map(({ as }) => as),
      path: temporary,
      compression,
    });
    const rows = await writer.verify(engine, temporary, compression);
    if (rows !== expected) {
      throw new SluiceError(
        'COMMIT_ROWS',
        `part of shard ${shard.id}: ${rows} rows written, ${expected} expected`,
        {
          next: 'this is a bug: nothing was committed; please report it with _sluice/report.json',
          exit: Exit.bug,
        },
      );
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(error, layout.root);
  }

  const lines = deadLetterLines(answers.deadLetters());
  const record: CommitRecord = {
    version: recordVersion,
    shard: shard.id,
    file: file.path,
    start: shard.start,
    rows: shard.rows,
    part,
    bytes: (await stat(temporary)).size,
    sha256: await fileSha256(temporary),
    ...counts,
    errors_sha256: lines === '' ? null : createHash('sha256').update(lines).digest('hex'),
    committed: new Date().toISOString(),
    model: context.model ?? null,
    ...(context.modelSha256 === undefined ? {} : { model_sha256: context.modelSha256 }),
  };
  try {
    await context.confirm();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await makeFolder(dirname(target));
  await localStorage.publish(temporary, target);

  if (lines === '') await removeFile(layout.deadLetters(shard.id));
  else await localStorage.writeAtomic(layout.deadLetters(shard.id), lines);
  await localStorage.writeAtomic(layout.record(shard.id), stateText(record, 2));
  await answers.close();
  await rm(layout.journal(shard.id), { force: true });
  return record;
}

/** The journal's entries that hold, in row order, numbered as the source numbers its rows. */
function resultsInOrder(feed: string, start: number, results: CommitContext['results']): string {
  const columns = results
    .map(({ name, as }) => `${quoteIdentifier(name)} AS ${quoteIdentifier(as)}`)
    .join(', ');
  return (
    `SELECT __row::BIGINT + ${start} AS __row, __failure IS NOT NULL AS __drop, ${columns} ` +
    `FROM ${feed} WHERE __live ORDER BY __row`
  );
}

function writeError(error: unknown, root: string): unknown {
  if (error instanceof SluiceError) return error;
  const message = messageOf(error);
  return new SluiceError('OUTPUT_WRITE', `output ${root}: cannot write a part: ${message}`, {
    next: 'the answers are in the journal: make room or mend the output, and run the same command again',
    cause: error,
  });
}
