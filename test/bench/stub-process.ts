import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Stub, StubOptions } from './stub.ts';

/** The stub in a process of its own, so that its work is not counted as the client's. */
export async function forkStub(answer: unknown, options: StubOptions = {}): Promise<Stub> {
  const child = fork(join(import.meta.dirname, 'stub-main.ts'), [], { execArgv: ['--import', 'tsx'] });
  // As a message: a batch of embeddings is more than a command line takes.
  child.send({ answer, options });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)));
    child.once('exit', (code) => reject(new Error(`the stub ended with ${String(code)}`)));
  });
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill();
      }),
  };
}
