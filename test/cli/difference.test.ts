import { expect, test } from 'vitest';
import { fromDifference } from '../../src/cli/difference.ts';

const same = 'The footbridge over the Alder reopened on Saturday';

test.each([
  [
    'two texts that begin alike',
    `${same}. It rains.`,
    `${same} and more`,
    '…ened on Saturday. It rains.',
    '…ened on Saturday and more',
  ],
  ['a text that goes on where the other ends', same, `${same}!`, '…ened on Saturday', '…ened on Saturday!'],
  ['texts that soon differ', 'A cat sleeps.', 'A dog sleeps.', 'A cat sleeps.', 'A dog sleeps.'],
  ['equal texts', same, same, same, same],
  [
    'letters of two units',
    `${'😀'.repeat(40)}a`,
    `${'😀'.repeat(40)}b`,
    `…${'😀'.repeat(16)}a`,
    `…${'😀'.repeat(16)}b`,
  ],
])('%s', (_, one, other, shownOne, shownOther) => {
  expect(fromDifference(one, other)).toEqual([shownOne, shownOther]);
});
