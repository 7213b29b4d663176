import { startStub } from './stub.ts';

process.once('message', async ({ answer, options }: { answer: unknown; options: { delayMs?: number } }) => {
  const { url } = await startStub(answer, options);
  process.send?.(url);
});
