import { arrowWriter } from './arrow.ts';
import { jsonlWriter } from './jsonl.ts';
import { parquetWriter } from './parquet.ts';
import type { Writer } from './writer.ts';

/** The writers by `output.format`. A new format is a file beside these and a line here. */
export const writers = {
  parquet: parquetWriter,
  arrow: arrowWriter,
  jsonl: jsonlWriter,
} satisfies Record<string, Writer>;
