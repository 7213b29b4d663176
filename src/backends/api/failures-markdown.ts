import type { Task } from '../../tasks/task.ts';
import type { CallFailure, FailureClass } from '../backend.ts';
import { classifyTransport } from './classify-transport.ts';
import type { Contract } from './contract.ts';

/** What the run does with a request that failed so. */
const CONSEQUENCES: Readonly<Record<FailureClass, string>> = {
  fatal:
    'The run ends within seconds with exit 3 and what to do. No row is marked failed; the next run goes on from here.',
  loading:
    'The model is being loaded: one request waits and asks, all other rows of the endpoint hold. Costs no attempt.',
  throttled:
    'The whole endpoint holds for as long as the server asks, and fewer requests are in flight from then on. Costs no attempt.',
  overloaded: 'As throttled, with a growing pause where the server names none. Costs no attempt.',
  transient:
    'Asked again with back-off. A batch that keeps failing is halved; a row that alone fails `retry.max_attempts` times is a failed row.',
  rejected:
    'A batch is halved until the guilty row stands alone. That row fails at once with the words of the server.',
  aborted: 'The run itself ended the request. The row stays pending.',
};

interface Fault {
  what: string;
  failure: (contract: Contract) => CallFailure;
}

const responded = (status: number, what: string, body = '{"error": "words"}'): Fault => ({
  what: `${status} ${what}`,
  failure: (contract) => contract.classify(status, {}, body),
});

const lost = (what: string, code: string, began = false): Fault => ({
  what,
  failure: () => classifyTransport(Object.assign(new Error(code), { code }), began),
});

const faults: readonly Fault[] = [
  responded(301, 'redirect: never followed'),
  responded(400, 'Bad Request'),
  responded(401, 'Unauthorized'),
  responded(402, 'Payment Required'),
  responded(403, 'Forbidden'),
  responded(404, 'Not Found'),
  responded(405, 'Method Not Allowed'),
  responded(407, 'Proxy Authentication Required'),
  responded(408, 'Request Timeout'),
  responded(409, 'Conflict'),
  responded(410, 'Gone'),
  responded(413, 'Payload Too Large'),
  responded(414, 'URI Too Long'),
  responded(422, 'Unprocessable Entity'),
  responded(424, 'Failed Dependency'),
  responded(424, 'with "model is not an embedding model"', '{"error": "Model is not an embedding model"}'),
  responded(425, 'Too Early'),
  responded(429, 'Too Many Requests'),
  responded(429, 'with `insufficient_quota`', '{"error": {"code": "insufficient_quota", "message": "no"}}'),
  responded(431, 'Request Header Fields Too Large'),
  responded(500, 'Internal Server Error'),
  responded(502, 'Bad Gateway, as an HTML page', '<html><title>502</title></html>'),
  responded(503, 'with `estimated_time`', '{"error": "Model m is currently loading", "estimated_time": 20}'),
  responded(503, 'Service Unavailable, without'),
  responded(504, 'Gateway Timeout'),
  responded(529, 'Overloaded'),
  lost('connection refused, or no such host', 'ECONNREFUSED'),
  lost('certificate that does not fit', 'ERR_TLS_CERT_ALTNAME_INVALID'),
  lost('connection reset', 'ECONNRESET'),
  lost('no connection, or no whole answer, within `limits.timeout_s`', 'UND_ERR_CONNECT_TIMEOUT'),
  lost('answer that breaks off', 'UND_ERR_SOCKET', true),
  lost('answer larger than 256 MiB', 'UND_ERR_RES_EXCEEDED_MAX_SIZE'),
];

/** Bodies of a 200 that are no answer. */
const bodies: readonly (readonly [string, string])[] = [
  ['with an empty body', ''],
  ['with half an answer', '[[0.1, 0.'],
  ['with an HTML page', '<!DOCTYPE html><html><title>Sign in</title></html>'],
  ['with an error in it', '{"error": "CUDA out of memory"}'],
  ['with `estimated_time` in it', '{"error": "Model m is currently loading", "estimated_time": 20}'],
  ['with fewer answers than inputs', '[]'],
];

/**
 * docs/failures.md: what each fault means over each contract, as the code decides it.
 * @param task one that every contract can be asked for
 */
export function failuresMarkdown(contracts: Readonly<Record<string, Contract>>, task: Task): string {
  const names = Object.keys(contracts);
  const question = { inputs: { text: 'a' }, parameters: {} };
  const answered = bodies.map(
    ([what, body]): Fault => ({
      what: `200 ${what}`,
      failure: (contract) => {
        const decoded = contract.decode(Buffer.from(body), [question, question], task);
        if (!('failure' in decoded)) throw new Error(`${contract.name} takes ${body} for an answer`);
        return decoded.failure;
      },
    }),
  );
  const rows = [...faults, ...answered].map(({ what, failure }) => {
    const verdicts = names.map((name) => failure(contracts[name]!));
    return `| ${[what, verdictOf(verdicts, names), kindsOf(verdicts)].join(' | ')} |`;
  });
  return [
    '<!-- Made by `npm run docs` from the code that decides (src/backends/api/classify*.ts); do not edit. -->',
    '',
    '# What a failed request means',
    '',
    `Over the contracts ${names.map((name) => `\`${name}\``).join(', ')}; where they differ, each is named. The kind is what`,
    '`sluice status` and dead letters show and what `sluice retry --kind` takes.',
    '',
    '| fault | class | kind |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '## What happens then',
    '',
    '| class | what sluice does |',
    '| --- | --- |',
    ...Object.entries(CONSEQUENCES).map(([name, words]) => `| ${name} | ${words} |`),
    '',
    'An endpoint that has answered nothing but failures for `retry.give_up_after_s` ends the run with exit 75 and its shards',
    'pending. An answer that is whole, but whose shape the task does not know, fails its row with the kind `unknown_answer`;',
    'an embedding of another length than those before it with `wrong_dimension`. A row that its source cannot give fails',
    'with `bad_row`, one whose columns make no input with `bad_input`; neither is sent.',
    '',
  ].join('\n');
}

/** One class, or each contract's own. */
function verdictOf(failures: readonly CallFailure[], names: readonly string[]): string {
  const classes = new Set(failures.map((failure) => failure.class));
  if (classes.size === 1) return failures[0]!.class;
  return failures.map((failure, i) => `${names[i]}: ${failure.class}`).join(', ');
}

function kindsOf(failures: readonly CallFailure[]): string {
  return [...new Set(failures.map(({ kind }) => `\`${kind}\``))].join(', ');
}
