import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packed, tokensPerRun } from '../../src/backends/onnx/packing.ts';
import { Tokenizer } from '../../src/backends/onnx/tokenizer.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { quoteLiteral } from '../../src/duckdb/quote.ts';
import { encoderBytes, miniLm } from '../models/encoder.ts';

const here = import.meta.dirname;
const main = resolve(here, '../../dist/cli/main.js');
const moby = resolve(here, '../../fixtures/quickstart/moby-dick.parquet');
const tokenizers = join(
  process.env.SLUICE_SHARED ?? '../shared',
  'models/local/tiny-trained-sentiment-uci-m2v',
);

interface Taken {
  cpuSeconds: number;
  seconds: number;
}

export interface OnnxComparison {
  /** Rows of the job; transformers.js does the first of them only. */
  rows: number;
  /** CPU time of ONNX Runtime alone over that of the job without its start, for each pair of runs. */
  shares: number[];
  /** A job of one row: the start of all processes and the loading of their models. */
  start: Taken;
  alone: Taken[];
  job: Taken[];
  /** For each row. */
  rowByRow: Taken;
  batchesOf32: Taken;
}

/**
 * Embeddings with an encoder of the shape of all-MiniLM-L6-v2: a whole job (reading, tokenising, journal and Parquet
 * included, the start of the processes told apart) against ONNX Runtime alone on input that is tokenised, sorted and packed,
 * and against transformers.js row by row and in batches of 32 in input order. Everything on one thread a process.
 */
export async function compareOnnx(quantised: boolean, pairs: number): Promise<OnnxComparison> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    const model = writeMiniLm(folder, quantised);
    const texts = await sentences();
    const batches = await tokenised(texts, join(folder, 'local/minilm'));
    const halves = [0, 1].map((half) => {
      const file = join(folder, `batches-${half}.json`);
      writeFileSync(file, JSON.stringify(batches.filter((_, i) => i % 2 === half)));
      return file;
    });
    writeFileSync(join(folder, 'job.yaml'), jobFile(folder));
    const result: OnnxComparison = {
      rows: texts.length,
      shares: [],
      start: await timed([main, 'run', 'job.yaml', '--fresh', '--quiet', '--limit', '1'], folder),
      alone: [],
      job: [],
      rowByRow: { cpuSeconds: 0, seconds: 0 },
      batchesOf32: { cpuSeconds: 0, seconds: 0 },
    };
    for (let i = 0; i < pairs; i++) {
      const runs = halves.map((file) =>
        node([join(here, 'ort-alone.mjs'), model, file, 'last_hidden_state'], folder),
      );
      const both = (await Promise.all(runs)).map(({ stdout }) => JSON.parse(stdout) as Taken);
      const alone = {
        cpuSeconds: both.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
        seconds: Math.max(...both.map(({ seconds }) => seconds)),
      };
      const job = await timed([main, 'run', 'job.yaml', '--fresh', '--quiet'], folder);
      result.alone.push(alone);
      result.job.push(job);
      result.shares.push(alone.cpuSeconds / (job.cpuSeconds - result.start.cpuSeconds));
    }
    const some = join(folder, 'texts.json');
    for (const [batch, count, into] of [
      [1, 400, result.rowByRow],
      [32, 320, result.batchesOf32],
    ] as const) {
      writeFileSync(some, JSON.stringify(texts.slice(0, count)));
      const args = [
        folder,
        'local/minilm',
        quantised ? 'q8' : 'fp32',
        'feature-extraction',
        some,
        String(batch),
      ];
      const { stdout } = await node([join(here, 'transformers-js.mjs'), ...args], folder);
      const taken = JSON.parse(stdout) as Taken;
      into.cpuSeconds = taken.cpuSeconds / count;
      into.seconds = taken.seconds / count;
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns the path of the graph */
function writeMiniLm(folder: string, quantised: boolean): string {
  const model = join(folder, 'local/minilm');
  mkdirSync(join(model, 'onnx'), { recursive: true });
  const file = join(model, 'onnx', quantised ? 'model_quantized.onnx' : 'model.onnx');
  writeFileSync(file, encoderBytes({ ...miniLm, quantised }));
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(tokenizers, name), join(model, name));
  writeFileSync(
    join(model, 'config.json'),
    JSON.stringify({ model_type: 'bert', architectures: ['BertModel'] }),
  );
  return file;
}

function jobFile(folder: string): string {
  return `task: feature-extraction
model: local/minilm
source: ${moby}
inputs: {text: text}
parameters: {pooling: mean, normalize: true}
backend: {type: onnx, model_dir: ${folder}}
output: {path: out, keep: [chapter, sentence]}
`;
}

async function sentences(): Promise<string[]> {
  const engine = await Engine.open();
  try {
    const rows = await engine.rows(`SELECT text FROM read_parquet(${quoteLiteral(moby)})`);
    return rows.map(({ text }) => String(text));
  } finally {
    await engine.close();
  }
}

/** All rows sorted by length and packed as one: nothing that waits for rows could pack them better. */
async function tokenised(texts: readonly string[], folder: string): Promise<number[][][]> {
  const tokenizer = await Tokenizer.open(folder, {});
  const truncation = { maxLength: tokenizer.maxLength, strategy: 'LongestFirst' as const };
  const encodings = await tokenizer.encode(
    texts.map((text) => ({ text })),
    truncation,
  );
  const ids = encodings.map((encoding) => {
    if (encoding instanceof Error) throw encoding;
    return encoding.getIds();
  });
  const runs = packed(
    ids.map(({ length }) => length),
    tokensPerRun,
    128,
  );
  return runs.map((run) => run.map((i) => ids[i]!));
}

/** User and system time of a Node program with all processes that it started, as the shell tells it. */
async function timed(args: readonly string[], cwd: string): Promise<Taken> {
  const { stderr } = await ran(
    'bash',
    ['-c', 'TIMEFORMAT="%U %S %R"; time "$@"', 'bash', process.execPath, ...args],
    cwd,
  );
  const [user, system, seconds] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return { cpuSeconds: user! + system!, seconds: seconds! };
}

function node(args: readonly string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  return ran(process.execPath, args, cwd);
}

async function ran(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise((done, failed) => child.on('error', failed).on('close', done));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}:\n${stderr.slice(-4000)}`);
  return { stdout, stderr };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Shares of the CPU time and of the figures of a user, in lines. */
export async function describeOnnx(
  quantised: boolean,
  pairs: number,
  say: (line: string) => void,
): Promise<number> {
  const { rows, shares, start, alone, job, rowByRow, batchesOf32 } = await compareOnnx(quantised, pairs);
  const perRow = (seconds: number) => `${((seconds / rows) * 1000).toFixed(2)} ms/row`;
  say(
    `  start of all processes, models loaded: CPU ${start.cpuSeconds.toFixed(1)} s, ${start.seconds.toFixed(1)} s`,
  );
  for (const [i, share] of shares.entries()) {
    say(
      `  ONNX Runtime alone CPU ${perRow(alone[i]!.cpuSeconds)}, ${alone[i]!.seconds.toFixed(1)} s; ` +
        `job CPU ${perRow(job[i]!.cpuSeconds)}, ${job[i]!.seconds.toFixed(1)} s; share without the start ${share.toFixed(2)}`,
    );
  }
  const own = (median(job.map(({ cpuSeconds }) => cpuSeconds)) - start.cpuSeconds) / rows;
  say(
    `  transformers.js row by row takes ${(rowByRow.cpuSeconds / own).toFixed(1)} times the CPU time of the job`,
  );
  say(
    `  transformers.js in batches of 32 takes ${(batchesOf32.cpuSeconds / own).toFixed(1)} times the CPU time of the job`,
  );
  return median(shares);
}
