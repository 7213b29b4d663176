import { expect, test } from 'vitest';
import { openApiBackend } from '../../../src/backends/api/index.ts';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import type { ApiSpec, Job } from '../../../src/spec/job.ts';
import { findTask } from '../../../src/tasks/index.ts';

test('a job’s model, token, headers and cache reach the server', async () => {
  const emulator = await startEmulator({ token: 'hf_right' });
  const job: Pick<Job, 'model' | 'options'> & { backend: ApiSpec } = {
    model: 'owner/model',
    options: { useCache: false, waitForModel: 'auto' },
    backend: {
      type: 'api',
      contract: 'hf',
      url: emulator.url,
      token: 'hf_right',
      headers: { 'x-team': 'red' },
    },
  };
  const backend = openApiBackend(job, findTask('text-classification')!);
  const questions = [{ inputs: { text: 'good' }, parameters: {} }];
  try {
    expect(await backend.call(questions, { waitForModel: false, timeoutMs: 10_000 })).toMatchObject({
      ok: true,
    });
    expect(backend.preview(questions).split('\n')).toEqual([
      `POST ${emulator.url}/models/owner/model`,
      expect.stringMatching(/^user-agent: sluice\//),
      'accept: application/json',
      'accept-encoding: identity',
      'x-team: red',
      'authorization: ***',
      'content-type: application/json',
      '',
      '{"inputs":"good","options":{"use_cache":false}}',
    ]);
  } finally {
    await backend.close();
    await emulator.close();
  }
});
