import { startStub } from './stub.ts';

const [answer, options] = process.argv.slice(2).map((text) => JSON.parse(text));
const { url } = await startStub(answer, options);
process.send?.(url);
