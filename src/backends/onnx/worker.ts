import { messageOf, SluiceError } from '../../errors.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import { openRunner } from './runners.ts';
import { Turns } from './turns.ts';

/**
 * The program of a worker. It holds one model, answers one window after the other, and ends when the channel to the
 * pool closes: also when the pool was killed, and after the run of the model that is under way then.
 */
let turns: Turns | undefined;

process.on('message', (message: ToWorker) => {
  if (message.type === 'load') void load(message);
  // A window that cannot even be prepared ends the process, and the pool sees whether the next one dies of it, too.
  else void turns?.take(message);
});
// Ctrl-C and the closing of the terminal reach the whole process group; the pool decides when its workers end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

async function load(setup: Extract<ToWorker, { type: 'load' }>): Promise<void> {
  try {
    turns = new Turns(await openRunner(setup), say, () => process.connected);
    say({ type: 'ready' });
  } catch (error) {
    const known = error instanceof SluiceError ? error : undefined;
    say({
      type: 'unusable',
      code: known?.code ?? 'ONNX_MODEL',
      message: known?.message ?? `model ${setup.name}: cannot be loaded: ${messageOf(error)}`,
      ...(known?.next === undefined ? {} : { next: known.next }),
    });
  }
}

function say(message: FromWorker): void {
  // Once the pool is gone nobody listens; the process ends by itself.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
