import { messageOf, SluiceError } from '../../errors.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import type { Runner } from './runner.ts';
import { openRunner } from './runners.ts';

/**
 * The program of a worker. It holds one model, answers one window after the other, and ends when the channel to the
 * pool closes: also when the pool was killed, and after the run of the model that is under way then.
 */
let runner: Runner | undefined;
let work: Promise<void> = Promise.resolve();

process.on('message', (message: ToWorker) => {
  work = work.then(() => (message.type === 'load' ? load(message) : run(message)));
});
// Ctrl-C reaches the whole process group; the pool decides when its workers end.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

async function load(setup: Extract<ToWorker, { type: 'load' }>): Promise<void> {
  try {
    runner = await openRunner(setup);
    say({ type: 'ready' });
  } catch (error) {
    const known = error instanceof SluiceError ? error : undefined;
    say({
      type: 'unusable',
      code: known?.code ?? 'ONNX_MODEL',
      message: known?.message ?? `model ${setup.model.folder}: cannot be loaded: ${messageOf(error)}`,
      ...(known?.next === undefined ? {} : { next: known.next }),
    });
  }
}

async function run({ id, questions, plan }: Extract<ToWorker, { type: 'run' }>): Promise<void> {
  if (runner === undefined) return;
  const prepared = await runner.prepare(questions, plan);
  if (plan === undefined) say({ type: 'planned', id, plan: prepared.plan, refused: prepared.refused });
  for (const rows of prepared.plan) {
    if (!process.connected) return;
    try {
      say({ type: 'answered', id, ...(await prepared.run(rows)) });
    } catch (error) {
      say({ type: 'failed', id, message: messageOf(error) });
      return;
    }
  }
}

function say(message: FromWorker): void {
  // Once the pool is gone nobody listens; the process ends by itself.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
