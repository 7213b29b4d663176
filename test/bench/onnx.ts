import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packed, tokensPerRun } from '../../src/backends/onnx/packing.ts';
import { Tokenizer } from '../../src/backends/onnx/tokenizer.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { quoteLiteral } from '../../src/duckdb/quote.ts';
import { distilBert, encoderBytes, miniLm, smallClassifier } from '../models/encoder.ts';
import { writeModel } from '../models/files.ts';
import { pieceTokenizer } from '../models/pieces.ts';
import { passages, vocabularyOf, wordsOfMobyDick } from './prose.ts';
import { ran } from './ran.ts';
import { difference, mean, median, type Taken, timed, together } from './taken.ts';

const here = import.meta.dirname;
const main = resolve(here, '../../dist/cli/main.js');
/** Tokens after which texts are cut, as all-MiniLM-L6-v2 does. */
const mostTokens = 256;

/** A model that is measured, and how many rows the long job has; the short one has a fifth of them. */
export interface OnnxCase {
  name: string;
  task: 'feature-extraction' | 'text-classification';
  shape: typeof miniLm & { labels?: number };
  quantised: boolean;
  rows: number;
  /** Rows that transformers.js gets; it is much slower. */
  someRows: number;
  /** Least share of ONNX Runtime's speed, alone. */
  wanted: number;
}

export const onnxCases: readonly OnnxCase[] = [
  {
    name: 'embeddings, the shape of all-MiniLM-L6-v2, int8',
    task: 'feature-extraction',
    shape: miniLm,
    quantised: true,
    rows: 10_000,
    someRows: 480,
    wanted: 0.9,
  },
  {
    name: 'embeddings, the shape of all-MiniLM-L6-v2, fp32',
    task: 'feature-extraction',
    shape: miniLm,
    quantised: false,
    rows: 4_000,
    someRows: 192,
    wanted: 0.9,
  },
  {
    name: 'text-classification, the shape of DistilBERT, int8',
    task: 'text-classification',
    shape: distilBert,
    quantised: true,
    rows: 3_000,
    someRows: 96,
    wanted: 0.9,
  },
  {
    name: 'text-classification, 4 layers of 256, 2 labels, int8',
    task: 'text-classification',
    shape: smallClassifier,
    quantised: true,
    rows: 45_000,
    someRows: 960,
    wanted: 0.9,
  },
];

export interface OnnxComparison {
  /** The job of the fifth of the rows: what starting and loading take, and some rows. */
  short: Taken[];
  long: Taken[];
  /** ONNX Runtime on the rows that the long job has and the short one has not. */
  alone: Taken[];
  transformersJs: { batch: number; runs: Taken[] }[];
  /**
   * What it was given in rows of usual length: its few rows have other lengths than those of the job, and a mean of few
   * texts is far from that of all.
   */
  someRows: number;
}

/** Rows that the long job has and the short one has not. */
export function rowsBetween({ rows }: OnnxCase): number {
  return rows - rows / 5;
}

/**
 * A whole job (reading, tokenising, journal and Parquet included) against ONNX Runtime alone: a process a core on one
 * thread, on input that is tokenised, sorted by length and packed. The start of the processes is subtracted by a job
 * with a fifth of the rows; the CPU time is that of all processes. The same texts go to transformers.js, row by row
 * and in batches of 32 in their order.
 */
export async function compareOnnx(one: OnnxCase, pairs: number): Promise<OnnxComparison> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    const words = await wordsOfMobyDick();
    const texts = passages(words, one.rows);
    const graph = writeBenchModel(folder, one, vocabularyOf(words));
    for (const [name, some] of [
      ['short', texts.slice(0, one.rows / 5)],
      ['long', texts],
    ] as const) {
      await writeTable(join(folder, `${name}.parquet`), some);
      writeFileSync(join(folder, `${name}.yaml`), jobFile(one, folder, name));
    }
    const model = join(folder, 'local/model');
    const between = await tokenised(texts.slice(one.rows / 5), model);
    const given = await tokenised(texts.slice(0, one.someRows), model);
    const batchFiles = dealt(between).map((batches, i) => {
      const file = join(folder, `batches-${i}.json`);
      writeFileSync(file, JSON.stringify(batches));
      return file;
    });
    const output = one.task === 'feature-extraction' ? 'last_hidden_state' : 'logits';
    const some = join(folder, 'texts.json');
    writeFileSync(some, JSON.stringify(texts.slice(0, one.someRows)));
    const result: OnnxComparison = {
      short: [],
      long: [],
      alone: [],
      transformersJs: [1, 32].map((batch) => ({ batch, runs: [] })),
      someRows: (tokensOf(given) / tokensOf(between)) * rowsBetween(one),
    };
    for (let i = 0; i < pairs; i++) {
      const alone = async () => {
        const args = (file: string) => [join(here, 'ort-alone.mjs'), graph, file, output];
        return together(await Promise.all(batchFiles.map((file) => itself(args(file), folder))));
      };
      const before = await alone();
      for (const name of ['short', 'long'] as const)
        result[name].push(await timed([main, 'run', `${name}.yaml`, '--fresh', '--quiet'], folder));
      // On both sides of the jobs: a shared machine becomes a tenth slower or faster within such minutes.
      result.alone.push(mean(before, await alone()));
      for (const { batch, runs } of result.transformersJs) {
        const dtype = one.quantised ? 'q8' : 'fp32';
        const args = [folder, 'local/model', dtype, one.task, some, String(batch)];
        runs.push(await itself([join(here, 'transformers-js.mjs'), ...args], folder));
      }
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns the path of the graph */
export function writeBenchModel(
  folder: string,
  { task, shape, quantised }: Pick<OnnxCase, 'task' | 'shape' | 'quantised'>,
  vocabulary: readonly string[],
): string {
  const file = quantised ? 'onnx/model_quantized.onnx' : 'onnx/model.onnx';
  const model = join(folder, 'local/model');
  writeModel(model, {
    'config.json': JSON.stringify({
      model_type: 'bert',
      architectures: [task === 'feature-extraction' ? 'BertModel' : 'BertForSequenceClassification'],
      id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' },
      pad_token_id: 0,
    }),
    'tokenizer.json': pieceTokenizer(vocabulary, shape.vocabulary),
    'tokenizer_config.json': JSON.stringify({
      tokenizer_class: 'BertTokenizer',
      model_max_length: mostTokens,
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
      mask_token: '[MASK]',
    }),
    [file]: encoderBytes({ ...shape, quantised }),
  });
  return join(model, file);
}

async function writeTable(path: string, texts: readonly string[]): Promise<void> {
  const lines = `${path}.jsonl`;
  writeFileSync(lines, texts.map((text, id) => `${JSON.stringify({ id, text })}\n`).join(''));
  const engine = await Engine.open();
  try {
    await engine.run(
      `COPY (SELECT * FROM read_json(${quoteLiteral(lines)})) TO ${quoteLiteral(path)} (FORMAT parquet)`,
    );
  } finally {
    await engine.close();
  }
}

function jobFile({ task }: OnnxCase, folder: string, name: string): string {
  return `task: ${task}
model: local/model
source: ${name}.parquet
inputs: {text: text}
parameters: ${task === 'feature-extraction' ? '{pooling: mean, normalize: true}' : '{}'}
backend: {type: onnx, model_dir: ${folder}}
output: {path: out-${name}, keep: [id]}
`;
}

async function tokenised(texts: readonly string[], folder: string): Promise<number[][]> {
  const tokenizer = await Tokenizer.open(folder, {});
  const truncation = { maxLength: tokenizer.maxLength, strategy: 'LongestFirst' as const };
  const encodings = await tokenizer.encode(
    texts.map((text) => ({ text })),
    truncation,
  );
  return encodings.map((encoding) => {
    if (encoding instanceof Error) throw encoding;
    return encoding.getIds();
  });
}

function tokensOf(rows: readonly number[][]): number {
  return rows.reduce((sum, { length }) => sum + length, 0);
}

/**
 * All rows sorted by length and packed as one, dealt to a process a core: nothing that waits for rows could pack them
 * better.
 */
function dealt(ids: readonly number[][]): number[][][][] {
  const runs = packed(
    ids.map(({ length }) => length),
    tokensPerRun,
    128,
  );
  const cores = availableParallelism();
  return Array.from({ length: cores }, (_, core) =>
    runs.filter((_, i) => i % cores === core).map((run) => run.map((i) => ids[i]!)),
  );
}

/** A program that measures itself. */
async function itself(args: readonly string[], folder: string): Promise<Taken> {
  const { stdout } = await ran(process.execPath, args, folder);
  return JSON.parse(stdout) as Taken;
}

/** Runs and says a comparison. @returns median share of ONNX Runtime's speed by CPU time */
export async function describeOnnx(
  one: OnnxCase,
  pairs: number,
  say: (line: string) => void,
): Promise<number> {
  const { short, long, alone, transformersJs, someRows } = await compareOnnx(one, pairs);
  const rows = rowsBetween(one);
  const both = ({ cpuSeconds, seconds }: Taken, count: number) =>
    `CPU ${((cpuSeconds / count) * 1000).toFixed(2)} ms/row, ${(count / seconds).toFixed(0)} rows/s`;
  const jobs = long.map((taken, i) => difference(taken, short[i]!));
  const cpuShares = jobs.map(({ cpuSeconds }, i) => alone[i]!.cpuSeconds / cpuSeconds);
  const wallShares = jobs.map(({ seconds }, i) => alone[i]!.seconds / seconds);
  for (const [i, job] of jobs.entries())
    say(
      `  alone ${both(alone[i]!, rows)}; job ${both(job, rows)}; share by CPU time ${cpuShares[i]!.toFixed(2)}, ` +
        `by wall time ${wallShares[i]!.toFixed(2)}; with start and loading ${both(long[i]!, one.rows)}`,
    );
  say(`  median share by wall time: ${median(wallShares).toFixed(2)}`);
  for (const { batch, runs } of transformersJs) {
    const perRow = (taken: number, count: number) => taken / count;
    const cpu = runs.map(
      ({ cpuSeconds }, i) => perRow(cpuSeconds, someRows) / perRow(jobs[i]!.cpuSeconds, rows),
    );
    const wall = runs.map(({ seconds }, i) => perRow(seconds, someRows) / perRow(jobs[i]!.seconds, rows));
    say(
      `  transformers.js ${batch === 1 ? 'row by row' : `in batches of ${batch}`}: ${both(runs[0]!, someRows)}; ` +
        `the job is ${median(wall).toFixed(1)} times as fast, by CPU time ${median(cpu).toFixed(1)} times`,
    );
  }
  return median(cpuShares);
}
