import { Exit, SluiceError } from '../errors.ts';
import type { RetrySelection } from '../runs/retry.ts';
import { type RunArguments, runJob } from './run.ts';

export interface RetryArguments extends Omit<RunArguments, 'retry' | 'fresh' | 'prune' | 'share'> {
  kind: string[];
  shard: number[];
  all: boolean;
}

/** `sluice retry`: failed rows are asked again, their parts replaced; whatever is not done is done, too. */
export async function retry(args: RetryArguments): Promise<void> {
  process.exitCode = await runJob({ ...args, fresh: false, prune: false, retry: selectionOf(args) });
}

/** @throws {SluiceError} USAGE, exit 2 */
function selectionOf({ kind, shard, all }: RetryArguments): RetrySelection {
  if (all && (kind.length > 0 || shard.length > 0)) {
    throw new SluiceError('USAGE', 'retry: --all leaves nothing for --kind or --shard to choose', {
      next: 'leave --all out, or the others',
      exit: Exit.usage,
    });
  }
  const wrong = shard.find((id) => !Number.isInteger(id) || id < 0);
  if (wrong !== undefined) {
    throw new SluiceError('USAGE', `retry: --shard takes the number of a shard: ${wrong}`, {
      next: 'a shard has the number of its part: part-00012 is shard 12',
      exit: Exit.usage,
    });
  }
  return {
    ...(kind.length === 0 ? {} : { kinds: new Set(kind) }),
    ...(shard.length === 0 ? {} : { shards: new Set(shard) }),
  };
}
