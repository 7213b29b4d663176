import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { comparisonOf } from '../../src/runs/compare/index.ts';
import { tasks } from '../../src/tasks/index.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/compare.md'), 'utf8');

test.each(tasks.map((task) => [task.name, task] as const))(
  'docs/compare.md has the measures of %s',
  (_, task) => {
    for (const { name, over, better, wanted } of comparisonOf(task.columns({}))!.measures)
      expect(page).toContain(`| ${name} | ${over} | ${better === 'high' ? '≥' : '≤'} ${wanted} |`);
  },
);
