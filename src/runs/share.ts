import { Exit, SluiceError } from '../errors.ts';

/**
 * What one process does of a job that `of` processes share: every shard whose number leaves `index - 1` when it is
 * divided by `of`. Nothing is handed out while they run, so they need not talk to one another.
 */
export interface Share {
  /** From 1 to `of`. */
  index: number;
  of: number;
}

/** Reads `2/3`. @throws {SluiceError} SHARE, exit 2 */
export function readShare(text: string): Share {
  const [, index, of] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? [];
  if (index === undefined || Number(index) > Number(of)) {
    throw new SluiceError('SHARE', `--shard ${text}: wanted I/N with I from 1 to N, such as 2/3`, {
      next: 'start one process for each of 1/3, 2/3 and 3/3, on any machines that see the output',
      exit: Exit.usage,
    });
  }
  return { index: Number(index), of: Number(of) };
}

export function isIn(share: Share | undefined, shard: number): boolean {
  return share === undefined || shard % share.of === share.index - 1;
}

/** `2/3` */
export function shareText({ index, of }: Share): string {
  return `${index}/${of}`;
}
