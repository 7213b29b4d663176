import { expect, test } from 'vitest';
import { translation as task } from '../../src/tasks/translation.ts';

const translate = (text: string) => task.decode(task.emulate({ text }, {}), {}).translation_text;

test.each([
  ['Hello world', 'Hallo Welt'],
  ['My name is Wolfgang and I live in Berlin.', 'Mein Name ist Wolfgang und ich wohne in Berlin.'],
  ['where?  here!', 'wo?  hier!'],
  ['', ''],
  ['constructor', 'constructor'],
])('translation emulates %j as %j', (text, translated) => {
  expect(translate(text)).toBe(translated);
});

test('languages are texts', () => {
  expect(task.parameters.safeParse({ src_lang: 'eng_Latn', tgt_lang: 'deu_Latn' }).success).toBe(true);
  expect(task.parameters.safeParse({ tgt_lang: '' }).success).toBe(false);
});
