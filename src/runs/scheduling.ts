import type { Backend } from '../backends/backend.ts';
import { Governor } from '../scheduler/governor.ts';
import type { SchedulerOptions } from '../scheduler/types.ts';
import type { Job } from '../spec/job.ts';
import type { Inputs, InputValue, ResultRow } from '../tasks/task.ts';
import { canonical } from './fingerprint.ts';
import type { Item } from './shard-work.ts';

/** Requests in flight under `concurrency: auto`, at most: what the public API serves without refusing. */
const autoConcurrency = 32;

/** What scheduling looks at in an item. */
type Asked = Pick<Item, 'question' | 'endsWindow'>;

type Scheduling = Pick<
  SchedulerOptions<Asked, ResultRow>,
  | 'governor'
  | 'retry'
  | 'batchSize'
  | 'batchKey'
  | 'endsBatch'
  | 'bytesOf'
  | 'timeoutMs'
  | 'waitForModel'
  | 'budget'
>;

/** A job's limits and retries as the scheduler takes them. */
export function schedulingOf(job: Job, backend: Backend, random: () => number): Scheduling {
  const { limits, retry, options } = job;
  const { local } = backend;
  const batchSize = rowsOfCall(job, backend);
  return {
    governor: new Governor({
      limit: concurrency(local?.inFlight ?? limits.concurrency),
      proven: local !== undefined,
      ...(limits.requestsPerSecond === undefined ? {} : { requestsPerSecond: limits.requestsPerSecond }),
      ...(limits.requestsPerMinute === undefined ? {} : { requestsPerMinute: limits.requestsPerMinute }),
      maxDelayMs: retry.maxDelayMs,
      mayWaitForModel: options.waitForModel !== false,
      random,
    }),
    retry: {
      maxAttempts: retry.maxAttempts,
      baseDelayMs: retry.baseDelayMs,
      maxDelayMs: retry.maxDelayMs,
      giveUpAfterMs: retry.giveUpAfterS * 1000,
    },
    batchSize,
    ...(local === undefined
      ? // A request carries its parameters once, so only rows with equal ones can share it.
        batchSize > 1
        ? { batchKey: (item: Asked) => canonical(item.question.parameters) }
        : {}
      : { endsBatch: (item: Asked) => item.endsWindow === true }),
    bytesOf: ({ question }) => bytesOfInputs(question.inputs),
    timeoutMs: limits.timeoutS * 1000,
    waitForModel: options.waitForModel,
    budget: {
      ...(limits.maxRequests === undefined ? {} : { maxRequests: limits.maxRequests }),
      ...(limits.maxRuntimeS === undefined ? {} : { maxRuntimeMs: limits.maxRuntimeS * 1000 }),
    },
  };
}

/** Rows that go into a call, where there are so many. */
export function rowsOfCall({ limits }: Pick<Job, 'limits'>, { maxBatch }: Pick<Backend, 'maxBatch'>): number {
  return Math.min(limits.batchSize ?? maxBatch, maxBatch);
}

/** A loop without lists of its own: it is asked twice for each row. */
function bytesOfInputs(inputs: Inputs): number {
  let bytes = 0;
  for (const name in inputs) bytes += bytesOf(inputs[name]!);
  return bytes;
}

/** About how much memory an input takes; texts by their characters. */
function bytesOf(value: InputValue): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return sumOf(value, bytesOf);
  if (value.bytes instanceof Uint8Array) return value.bytes.length;
  return sumOf(Object.values(value).flat(), bytesOf);
}

function sumOf<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}

function concurrency(asked: Job['limits']['concurrency']): { min: number; max: number; start: number } {
  if (asked === 'auto') return { min: 1, max: autoConcurrency, start: autoConcurrency };
  if (typeof asked === 'number') return { min: 1, max: asked, start: asked };
  return asked;
}
