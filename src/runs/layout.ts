import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Share } from './share.ts';

/** Where everything in an output directory lives (docs/guarantees.md describes each file). */
export class Layout {
  /** The output directory. */
  readonly root: string;
  /** The run directory inside it. */
  readonly run: string;

  constructor(root: string) {
    this.root = root;
    this.run = join(root, '_sluice');
  }

  get success(): string {
    return join(this.root, '_SUCCESS');
  }
  get plan(): string {
    return join(this.run, 'plan.json');
  }
  /** Held for the moments in which only one process may work: to begin, to end, to change the plan. */
  get guard(): string {
    return join(this.run, 'guard.json');
  }
  get shards(): string {
    return join(this.run, 'shards');
  }
  get journals(): string {
    return join(this.run, 'journal');
  }
  get errors(): string {
    return join(this.run, 'errors');
  }
  /** Parts while they are being written. Same file system as the parts, so that a rename puts them in place. */
  get temporary(): string {
    return join(this.run, 'tmp');
  }

  /** The lock of a whole run, or of one process of several. */
  lock(share?: Share): string {
    return join(this.run, `lock${suffix(share)}.json`);
  }
  report(share?: Share): string {
    return join(this.run, `report${suffix(share)}.json`);
  }
  record(shard: number): string {
    return join(this.shards, `${number(shard)}.json`);
  }
  journal(shard: number): string {
    return join(this.journals, `${number(shard)}.journal`);
  }
  deadLetters(shard: number): string {
    return join(this.errors, `${number(shard)}.jsonl`);
  }
  /** A name that no other process has: one that was suspended must not find, or remove, the part of its successor. */
  temporaryPart(shard: number): string {
    return join(this.temporary, `part-${number(shard)}.${process.pid}-${randomInt(2 ** 47)}.tmp`);
  }

  /** Path of a part below `root`, with `/`: the source's partition folders, then the part. */
  static part(shard: number, folders: readonly string[], extension: string): string {
    return [...folders, `part-${number(shard)}.${extension}`].join('/');
  }
}

function suffix(share: Share | undefined): string {
  return share === undefined ? '' : `-${share.index}-of-${share.of}`;
}

function number(shard: number): string {
  return String(shard).padStart(5, '0');
}
