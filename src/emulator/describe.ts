import type { ServerResponse } from 'node:http';
import type { Task } from '../tasks/task.ts';
import { openaiModels } from './openai.ts';
import { replyJson } from './reply.ts';
import type { Statistics } from './stats.ts';
import { teiInfo } from './tei.ts';

/** Answers a GET: help, statistics, and what servers of each contract say about themselves. */
export function describe(
  path: string,
  response: ServerResponse,
  statistics: Statistics,
  task: Task | undefined,
): void {
  const { pathname, searchParams } = new URL(path, 'http://emulator');
  switch (pathname) {
    case '/':
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(HELP);
      return;
    case '/stats': {
      const perInput = searchParams.has('inputs') ? Object.fromEntries(statistics.perInput) : undefined;
      replyJson(response, 200, { ...statistics.snapshot(), perInput });
      return;
    }
    case '/info':
      replyJson(response, 200, teiInfo(task));
      return;
    case '/health':
      response.writeHead(200, { 'content-length': 0 }).end();
      return;
    case '/v1/models':
      replyJson(response, 200, openaiModels);
      return;
    default:
      replyJson(response, 404, { error: `GET ${pathname} is not served` });
  }
}

const HELP = `sluice emulate: speaks like the Hugging Face Inference API and servers of its kind

POST /models/{model}                            ask; the task is told by ?task=, the model's name or the payload
POST /models/{model}/pipeline/{task}            ask for a task
POST /hf-inference/models/{model}               the same, as the router has it
POST /pipeline/{task}/{model}                   the same, as it once was
POST /embed, /predict, /similarity, /rerank     ask as text-embeddings-inference is asked; GET /info, /health
POST /v1/embeddings, /v1/chat/completions       ask as OpenAI is asked; GET /v1/models
POST any other path                             ask as a dedicated endpoint is asked
GET  /stats                                     what was asked and answered; with ?inputs also for each input
`;
