import { hash } from 'node:crypto';
import { SluiceError } from '../../../errors.ts';
import { type Inputs, type Parameters, Unanswerable } from '../../../tasks/task.ts';
import type { Question } from '../../backend.ts';
import type { WorkerSetup } from '../protocol.ts';
import { RowRunner } from '../row-runner.ts';
import type { Runner } from '../runner.ts';
import { offlineTransformers, openPipeline, type Transformers } from './open.ts';

type Tensor = InstanceType<Transformers['Tensor']>;
type Encoded = Record<'input_ids' | 'attention_mask', Tensor>;
type Message = { role: 'user' | 'assistant'; content: string };

interface Generator {
  (
    input: string | Message[],
    options: Record<string, unknown>,
  ): Promise<{ generated_text: string | Message[] }[]>;
  tokenizer: {
    (texts: string[], options: Record<string, unknown>): Encoded;
    batch_decode(ids: Tensor, options: { skip_special_tokens: boolean }): string[];
    model_max_length: number;
    chat_template?: unknown;
    _build_translation_inputs?: (
      texts: string[],
      options: Record<string, unknown>,
      generation: Record<string, unknown>,
    ) => Encoded;
  };
  model: {
    generate(options: Record<string, unknown>): Promise<Tensor>;
    config: { prefix?: string; task_specific_params?: Record<string, { prefix?: string } | undefined> };
  };
}

/** Parameters of a task that are none of `generate`. */
const notForGenerate = [
  'return_full_text',
  'truncation',
  'truncate',
  'clean_up_tokenization_spaces',
  'generate_parameters',
  'src_lang',
  'tgt_lang',
  'stop',
  'watermark',
  'details',
  'seed',
];

/** Goes on with a text. @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
export async function textGeneration(setup: WorkerSetup): Promise<Runner> {
  const library = await offlineTransformers();
  const generate = await openPipeline<Generator>(library, 'text-generation', setup);
  return new RowRunner(async (question) => {
    seed(library, question);
    const { inputs, parameters } = question;
    const written = await generate(inputs.text as string, {
      ...generation(parameters),
      // The API's default differs from model to model; that of its pipelines is to give the prompt back.
      return_full_text: parameters.return_full_text !== false,
    });
    return written.map(({ generated_text }) => ({ generated_text }));
  });
}

/**
 * The next turn of a conversation, by the model's own chat template.
 * @throws {SluiceError} MODEL_TASK for a model without one, MODEL_DAMAGED, ONNX_NOT_INSTALLED
 */
export async function conversation(setup: WorkerSetup): Promise<Runner> {
  const library = await offlineTransformers();
  const generate = await openPipeline<Generator>(library, 'text-generation', setup);
  if (!generate.tokenizer.chat_template) {
    throw new SluiceError(
      'MODEL_TASK',
      `model ${setup.model.folder}: has no chat template in tokenizer_config.json`,
      {
        next: 'choose a model for chats, or use text-generation with a template of your own',
      },
    );
  }
  return new RowRunner(async (question) => {
    seed(library, question);
    const { inputs, parameters } = question;
    const [{ generated_text }] = (await generate(messagesOf(inputs), generation(parameters))) as [
      { generated_text: Message[] },
    ];
    const reply = generated_text.at(-1)?.content ?? '';
    return {
      generated_text: reply,
      conversation: {
        past_user_inputs: [...((inputs.past_user_inputs ?? []) as string[]), inputs.text as string],
        generated_responses: [...((inputs.generated_responses ?? []) as string[]), reply],
      },
    };
  });
}

/** Writes one text for another, with an encoder and a decoder: summaries, translations. */
export function textToText(task: string, key: string) {
  /** @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
  return async (setup: WorkerSetup): Promise<Runner> => {
    const library = await offlineTransformers();
    const { tokenizer, model } = await openPipeline<Generator>(library, task, setup);
    const prefix = (model.config.prefix ?? '') + (model.config.task_specific_params?.[task]?.prefix ?? '');
    return new RowRunner(async (question) => {
      seed(library, question);
      const { inputs, parameters } = question;
      const options = generation(parameters);
      const texts = [prefix + (inputs.text as string)];
      const languages = { src_lang: parameters.src_lang, tgt_lang: parameters.tgt_lang };
      if (tokenizer._build_translation_inputs !== undefined && task === 'translation')
        Object.assign(options, languages);
      const whole =
        tokenizer._build_translation_inputs === undefined || task !== 'translation'
          ? tokenizer(texts, {})
          : tokenizer._build_translation_inputs(texts, {}, options);
      const ids = await model.generate({ ...cut(library, whole, tokenizer.model_max_length), ...options });
      return tokenizer
        .batch_decode(ids, { skip_special_tokens: true })
        .map((written) => ({ [key]: written }));
    });
  };
}

/** What the model takes of a text that is too long: its beginning, and the closing token, without which it never ends. */
function cut({ Tensor }: Transformers, encoded: Encoded, longest: number): Encoded {
  const { input_ids: ids, attention_mask: mask } = encoded;
  const length = ids.dims[1]!;
  if (!Number.isSafeInteger(longest) || length <= longest) return encoded;
  const kept = (tensor: Tensor): Tensor => {
    const data = tensor.data as BigInt64Array;
    const short = data.slice(0, longest);
    short[longest - 1] = data[length - 1]!;
    return new Tensor('int64', short, [1, longest]);
  };
  return { ...encoded, input_ids: kept(ids), attention_mask: kept(mask) };
}

/** The options of `generate`: what the API calls so, and samples where the API would. */
function generation(parameters: Parameters): Record<string, unknown> {
  const options: Record<string, unknown> = { ...(parameters.generate_parameters as object | undefined) };
  for (const [name, value] of Object.entries(parameters)) {
    if (!notForGenerate.includes(name) && value !== undefined) options[name] = value;
  }
  const samples = ['temperature', 'top_k', 'top_p'].some((name) => options[name] !== undefined);
  options.do_sample ??= samples && options.temperature !== 0;
  if (options.temperature === 0) delete options.temperature;
  if (typeof options.num_return_sequences === 'number' && options.num_return_sequences > 1)
    throw new Unanswerable('num_return_sequences: this backend writes one text a row');
  return options;
}

/** Sampling begins at a number that the question decides: a row that is asked again gets the same answer. */
function seed({ random }: Transformers, question: Question): void {
  const given = question.parameters.seed;
  random.seed(
    typeof given === 'number'
      ? given
      : Number.parseInt(hash('sha256', JSON.stringify(question)).slice(0, 8), 16),
  );
}

function messagesOf(inputs: Inputs): Message[] {
  const past = (inputs.past_user_inputs ?? []) as string[];
  const said = (inputs.generated_responses ?? []) as string[];
  if (past.length !== said.length)
    throw new Unanswerable(`past_user_inputs has ${past.length} turns, generated_responses ${said.length}`);
  return [
    ...past.flatMap((content, i): Message[] => [
      { role: 'user', content },
      { role: 'assistant', content: said[i]! },
    ]),
    { role: 'user', content: inputs.text as string },
  ];
}
