import { arrow } from './arrow.ts';
import { csv, tsv } from './csv.ts';
import { files } from './files.ts';
import type { Format, SourceFormat } from './format.ts';
import { jsonl } from './jsonl.ts';
import { parquet } from './parquet.ts';
import { text } from './text-lines.ts';

/** Every format, by name. */
export const formats: Readonly<Record<SourceFormat, Format>> = {
  parquet,
  arrow,
  jsonl,
  csv,
  tsv,
  text,
  files,
};

/** What a file's name ends with, by format. Text may also be compressed: `.csv.gz`, `.csv.zst`. */
const EXTENSIONS: Readonly<Record<SourceFormat, readonly string[]>> = {
  parquet: ['.parquet', '.pq'],
  arrow: ['.arrow', '.arrows', '.feather', '.ipc'],
  jsonl: ['.jsonl', '.ndjson', '.json'],
  csv: ['.csv'],
  tsv: ['.tsv'],
  text: ['.txt'],
  // Any file may be a row; only the job can say so.
  files: [],
};

/** The format that a file's name tells, if any. */
export function formatByName(path: string): SourceFormat | undefined {
  const name = path.toLowerCase();
  const names = Object.keys(EXTENSIONS) as SourceFormat[];
  return names.find((format) => {
    const isText = format !== 'parquet' && format !== 'arrow';
    return EXTENSIONS[format].some(
      (end) => name.endsWith(end) || (isText && (name.endsWith(`${end}.gz`) || name.endsWith(`${end}.zst`))),
    );
  });
}

/** All extensions, for a message. */
export const knownExtensions = `${Object.values(EXTENSIONS).flat().join(' ')}, and .gz or .zst after those of text`;
