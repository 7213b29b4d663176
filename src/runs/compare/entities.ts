import type { Comparison } from './measure.ts';
import { countShared, sharedShare } from './measure.ts';

interface Entity {
  entity_group: string;
  word: string;
  /** Null where the model's tokenizer does not know where a word stands. */
  start: number | null;
  end: number | null;
}

/** Of token-classification: an entity is shared when kind and place are the same. */
export const entities: Comparison = {
  columns: ['entities'],
  measures: [{ name: 'shared entities (F1)', over: 'mean', better: 'high', wanted: 0.95 }],
  compare(one, other) {
    const [mine, theirs] = [one.entities as Entity[], other.entities as Entity[]];
    const havePlaces = [...mine, ...theirs].every(({ start, end }) => start !== null && end !== null);
    const keyOf = havePlaces ? placeOf : wordOf;
    return [sharedShare(countShared(mine.map(keyOf), theirs.map(keyOf)), mine.length, theirs.length)];
  },
};

function placeOf({ entity_group, start, end }: Entity): string {
  return `${entity_group} ${start} ${end}`;
}

function wordOf({ entity_group, word }: Entity): string {
  return `${entity_group} ${word.trim().toLowerCase()}`;
}
