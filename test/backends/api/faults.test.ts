import { describe, expect, test } from 'vitest';
import { ApiBackend } from '../../../src/backends/api/http.ts';
import { contracts } from '../../../src/backends/api/contracts.ts';
import { FAULTS, type FaultKind } from '../../../src/emulator/faults.ts';
import { findTask } from '../../../src/tasks/index.ts';
import { withEmulator } from '../../e2e/emulated.ts';

/** What each fault of the emulator means, over every contract, for one row and for several. */
const expected: Readonly<Record<FaultKind, { class: string; kind: string } | 'answered'>> = {
  '429': { class: 'throttled', kind: 'rate_limit' },
  '500': { class: 'transient', kind: 'server' },
  '502': { class: 'transient', kind: 'server' },
  '503': { class: 'overloaded', kind: 'overloaded' },
  '504': { class: 'transient', kind: 'server' },
  reset: { class: 'transient', kind: 'reset' },
  truncated: { class: 'transient', kind: 'body' },
  html: { class: 'transient', kind: 'body' },
  error200: { class: 'transient', kind: 'body' },
  slow: 'answered',
  hang: { class: 'transient', kind: 'timeout' },
  '400': { class: 'rejected', kind: 'rejected' },
};

/** text-embeddings-inference says 429 where its queue is full. */
const ofTei: Partial<typeof expected> = { '429': { class: 'overloaded', kind: 'overloaded' } };

const paths: Readonly<Record<string, string>> = { endpoint: '/embeddings' };

describe.each(Object.keys(FAULTS) as FaultKind[])('the fault %s', (fault) => {
  test.each(
    Object.values(contracts).flatMap((contract) =>
      [1, 3].map((rows) => [contract.name, rows, contract] as const),
    ),
  )('over %s, %i in a request', async (name, rows, contract) => {
    await withEmulator({ faults: { [fault]: 1 }, slowS: 0, task: 'feature-extraction' }, async ({ url }) => {
      const task = findTask('feature-extraction')!;
      const backend = new ApiBackend({
        contract,
        task,
        model: 'acme/feature-extraction',
        url: url + (paths[name] ?? ''),
        useCache: true,
      });
      const questions = Array.from({ length: rows }, (_, i) => ({
        inputs: { text: `row ${i}` },
        parameters: {},
      }));
      const outcome = await backend.call(questions, {
        waitForModel: false,
        timeoutMs: fault === 'hang' ? 100 : 10_000,
      });
      await backend.close();
      const means = (name === 'tei' ? ofTei[fault] : undefined) ?? expected[fault];
      if (means === 'answered') expect(outcome).toMatchObject({ ok: true });
      else expect(outcome).toMatchObject({ ok: false, failure: means });
    });
  });
});
