import type { StoredBytes } from '../storage/storage.ts';
import { CR, CsvScanner, type Dialect, LF } from './csv-scanner.ts';
import { type Position, startOfText } from './text.ts';

/**
 * Finding out how a CSV file is written. DuckDB has a sniffer for that, but one row of the wrong length makes it
 * take the file for one of a single column, and an odd quote makes it skip the rows before it: it looks for the
 * dialect in which nothing is wrong, we for the one in which most is right.
 */

const SAMPLE_BYTES = 1024 * 1024;

const COMMA = 0x2c;
const TAB = 0x09;
const SEMICOLON = 0x3b;
const PIPE = 0x7c;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const HASH = 0x23;

/** The beginning of a file, by whole lines. */
export interface Sample extends StoredBytes {
  /** Whether it is the whole file. */
  isWhole: boolean;
}

export interface Guess {
  dialect: Dialect;
  /** Fields of a record. */
  width: number;
  /** Where the first record begins that is not a comment or a title above the table. */
  start: Position;
}

export function sampleOf(file: StoredBytes): Sample {
  const bytes = Buffer.alloc(Math.min(file.size, SAMPLE_BYTES));
  file.read(bytes, 0);
  const isWhole = bytes.length === file.size;
  const lastEnd = Math.max(bytes.lastIndexOf(LF), bytes.includes(LF) ? -1 : bytes.lastIndexOf(CR));
  const lines = isWhole || lastEnd < 0 ? bytes : bytes.subarray(0, lastEnd + 1);
  return {
    isWhole,
    size: lines.length,
    read(target, position) {
      return lines.copy(target, 0, position);
    },
    close() {
      // Nothing is open.
    },
  };
}

/** The dialect in which most records of a sample have as many fields as its header. */
export function guessDialect(sample: Sample, format: 'csv' | 'tsv'): Guess {
  const lineEnd = lineEndOf(sample);
  const comment = commentOf(sample, lineEnd);
  const delimiters = format === 'tsv' ? [TAB] : [COMMA, SEMICOLON, TAB, PIPE];
  let best: Trial | undefined;
  for (const delimiter of delimiters) {
    const trial = bestQuoting(sample, format, { delimiter, lineEnd, comment, blankRecords: false });
    if (trial.width < 2 || trial.share <= 0.5 || trial.start === undefined) continue;
    if (!best || trial.share > best.share || (trial.share === best.share && trial.width > best.width)) {
      best = trial;
    }
  }
  best ??= bestQuoting(sample, format, { delimiter: undefined, lineEnd, comment, blankRecords: true });
  return { dialect: best.dialect, width: best.width, start: best.start ?? { offset: 0, line: 1 } };
}

/** What a sample looks like in one dialect. */
interface Trial {
  dialect: Dialect;
  /** The most frequent number of fields. */
  width: number;
  /** Share of the records that have it (0 to 1). */
  share: number;
  /** Where the table begins; undefined when its first records have another width. */
  start: Position | undefined;
  /** Fields in sound quotes, and records whose quoting is broken. */
  quoted: number;
  broken: number;
}

type Unquoted = Omit<Dialect, 'quote' | 'escapeBy'>;

function bestQuoting(sample: Sample, format: 'csv' | 'tsv', base: Unquoted): Trial {
  const attempt = (quote?: number, escapeBy?: number) => tryDialect(sample, { ...base, quote, escapeBy });
  const doubled = attempt(DOUBLE_QUOTE, DOUBLE_QUOTE);
  if (doubled.quoted + doubled.broken === 0) {
    const single = attempt(SINGLE_QUOTE, SINGLE_QUOTE);
    return single.quoted > 0 && single.broken === 0 && single.share >= doubled.share ? single : doubled;
  }
  const escaped = attempt(DOUBLE_QUOTE, BACKSLASH);
  const best = escaped.broken < doubled.broken ? escaped : doubled;
  // In text of no quoting at all (much TSV is so) fields that happen to begin with a quote look broken. A file of few
  // quotes is not judged by them: then they are torn rows.
  const tolerance = format === 'tsv' ? 0 : 2;
  return best.broken > best.quoted + tolerance ? attempt() : best;
}

/** A title above the table is told from a torn header only where the table is this wide and flawless. */
const MIN_WIDTH_BELOW_TITLE = 3;

function tryDialect(sample: Sample, dialect: Dialect): Trial {
  const scanner = new CsvScanner(sample, dialect);
  const counts = new Map<number, number>();
  const records: { fields: number; position: Position }[] = [];
  let quoted = 0;
  let broken = 0;
  for (let position = scanner.position; scanner.next(); position = scanner.position) {
    const fields = scanner.problem ? 0 : scanner.fields;
    if (scanner.problem) broken++;
    quoted += scanner.quoted;
    records.push({ fields, position });
    counts.set(fields, (counts.get(fields) ?? 0) + 1);
  }
  counts.delete(0);
  // Of two widths that are as frequent the first seen, which is the header's.
  const [width, frequency] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [1, 0]);
  const first = records.findIndex((record) => record.fields === width);
  const isFlawless = width >= MIN_WIDTH_BELOW_TITLE && frequency > 1 && first + frequency === records.length;
  const start = first === 0 || isFlawless ? records[first]!.position : undefined;
  const share = frequency / Math.max(records.length, 1);
  return { dialect, width, share, start, quoted, broken };
}

/** A file that begins with a line `# …` has comments; one that does not may have such a line as a row. */
function commentOf(sample: Sample, lineEnd: number): number | undefined {
  const bytes = textOf(sample);
  const start = startOfText(sample);
  return bytes[start] === HASH && bytes.includes(lineEnd, start) ? HASH : undefined;
}

function textOf(sample: Sample): Buffer {
  const bytes = Buffer.alloc(sample.size);
  sample.read(bytes, 0);
  return bytes;
}

function lineEndOf(sample: Sample): number {
  const bytes = textOf(sample);
  return !bytes.includes(LF) && bytes.includes(CR) ? CR : LF;
}
