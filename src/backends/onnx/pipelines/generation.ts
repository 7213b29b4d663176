import { SluiceError } from '../../../errors.ts';
import { type Inputs, Unanswerable } from '../../../tasks/task.ts';
import type { WorkerSetup } from '../protocol.ts';
import { rowByRow } from '../row-runner.ts';
import type { Runner } from '../runner.ts';
import { generateOptions, seed, textsOf } from './generate-options.ts';
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
    batch_decode(
      ids: Tensor,
      options: { skip_special_tokens: boolean; clean_up_tokenization_spaces?: unknown },
    ): string[];
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

/** Goes on with a text. @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
export async function textGeneration(setup: WorkerSetup): Promise<Runner> {
  const library = await offlineTransformers();
  const generate = await openPipeline<Generator>(library, 'text-generation', setup);
  return rowByRow(async ({ inputs, parameters }) => {
    seed(library, inputs, parameters);
    const options = {
      ...generateOptions(library, parameters),
      // The API's default differs from model to model; that of its pipelines is to give the prompt back.
      return_full_text: parameters.return_full_text !== false,
    };
    return several(textsOf(parameters), async () => {
      const [written] = await generate(inputs.text as string, options);
      return { generated_text: written?.generated_text };
    });
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
      `model ${setup.name}: has no chat template in tokenizer_config.json`,
      {
        next: 'choose a model for chats, or use text-generation with a template of your own',
      },
    );
  }
  return rowByRow(async ({ inputs, parameters }) => {
    seed(library, inputs, parameters);
    const [{ generated_text }] = (await generate(
      messagesOf(inputs),
      generateOptions(library, parameters),
    )) as [{ generated_text: Message[] }];
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
    return rowByRow(async ({ inputs, parameters }) => {
      seed(library, inputs, parameters);
      const options = generateOptions(library, parameters);
      const texts = [prefix + (inputs.text as string)];
      const languages = { src_lang: parameters.src_lang, tgt_lang: parameters.tgt_lang };
      if (tokenizer._build_translation_inputs !== undefined && task === 'translation')
        Object.assign(options, languages);
      const whole =
        tokenizer._build_translation_inputs === undefined || task !== 'translation'
          ? tokenizer(texts, {})
          : tokenizer._build_translation_inputs(texts, {}, options);
      const encoded = cut(library, whole, tokenizer.model_max_length, parameters.truncation);
      return several(textsOf(parameters), async () => {
        const [written] = tokenizer.batch_decode(await model.generate({ ...encoded, ...options }), {
          skip_special_tokens: true,
          clean_up_tokenization_spaces: parameters.clean_up_tokenization_spaces,
        });
        return { [key]: written };
      });
    });
  };
}

/** One after the other: each goes on with the random numbers where the last one stopped. */
async function several<T>(count: number, write: () => Promise<T>): Promise<T[]> {
  const written: T[] = [];
  while (written.length < count) written.push(await write());
  return written;
}

/**
 * What the model takes of a text that is too long: its beginning, and the closing token, without which it never ends.
 * @throws {Unanswerable} where the job forbids to cut
 */
function cut({ Tensor }: Transformers, encoded: Encoded, longest: number, truncation: unknown): Encoded {
  const { input_ids: ids, attention_mask: mask } = encoded;
  const length = ids.dims[1]!;
  if (!Number.isSafeInteger(longest) || length <= longest) return encoded;
  if (truncation === 'do_not_truncate')
    throw new Unanswerable(`the text has ${length} tokens, the model takes ${longest}`);
  const kept = (tensor: Tensor): Tensor => {
    const data = tensor.data as BigInt64Array;
    const short = data.slice(0, longest);
    short[longest - 1] = data[length - 1]!;
    return new Tensor('int64', short, [1, longest]);
  };
  return { ...encoded, input_ids: kept(ids), attention_mask: kept(mask) };
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
