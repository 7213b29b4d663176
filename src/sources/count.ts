import { setImmediate } from 'node:timers/promises';
import type { ByteWindow } from './byte-window.ts';
import type { FileFacts, Mark } from './format.ts';
import type { Position } from './text.ts';

/** The records of a text file, one after the other. */
export interface RecordScanner {
  readonly window: ByteWindow;
  /** Where the record after the current one begins, at the latest. */
  readonly position: Position;
  next(): boolean;
}

/** Other work gets its turn after so many bytes. */
const PAUSE_BYTES = 16 * 1024 * 1024;

/** Goes through all records once: how many there are, and where each row `k * every` begins. */
export async function countRecords(scanner: RecordScanner, every: number): Promise<FileFacts> {
  const marks: Mark[] = [];
  let rows = 0;
  let pauseAt = scanner.window.offset + PAUSE_BYTES;
  for (;;) {
    const isMarked = rows % every === 0;
    const { offset, line } = isMarked ? scanner.position : { offset: 0, line: 0 };
    if (!scanner.next()) return { rows, marks };
    if (isMarked) marks.push({ row: rows, offset, line });
    rows++;
    if (scanner.window.offset >= pauseAt) {
      pauseAt = scanner.window.offset + PAUSE_BYTES;
      await setImmediate();
    }
  }
}
