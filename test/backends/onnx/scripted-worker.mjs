// A worker without a model. What it does is written in its rows: `die`, `hang`, `throw`, `die-once FILE`; any other
// text is answered with itself in capitals. Runs have two rows each.
import { existsSync, writeFileSync } from 'node:fs';

process.on('message', (message) => {
  if (message.type === 'load') load(message.task);
  else run(message);
});

function load(task) {
  if (task === 'unusable') {
    process.send({ type: 'unusable', code: 'MODEL_TASK', message: 'model x: no', next: 'choose another' });
  } else if (task === 'stillborn') {
    process.stderr.write('no memory for the model\n', () => process.exit(3));
  } else process.send({ type: 'ready' });
}

function run({ id, questions, plan }) {
  const runs = plan ?? pairs(questions.length);
  if (plan === undefined) process.send({ type: 'planned', id, plan: runs, refused: [] });
  for (const rows of runs) {
    const texts = rows.map((row) => questions[row].inputs.text);
    for (const text of texts) {
      const [word, file] = text.split(' ');
      if (word === 'hang') for (;;);
      if (word === 'throw') {
        process.send({ type: 'failed', id, message: 'the model threw' });
        return;
      }
      if (word === 'die' || (word === 'die-once' && !existsSync(file))) {
        if (file !== undefined) writeFileSync(file, '');
        process.kill(process.pid, 'SIGKILL');
        for (;;);
      }
    }
    process.send({ type: 'answered', id, answers: texts.map((text) => text.toUpperCase()), refused: [] });
  }
}

function pairs(count) {
  const runs = [];
  for (let row = 0; row < count; row += 2) runs.push(row + 1 < count ? [row, row + 1] : [row]);
  return runs;
}
