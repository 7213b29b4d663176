// A worker without a model. What it does is written in its rows: `die`, `hang`, `throw`, `die-once FILE`, and `eat` and
// `eat-once FILE`, which take memory until there is none; any other text is answered with itself in capitals. Runs have
// two rows each.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

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
      if (file !== undefined && existsSync(file)) continue;
      if (file !== undefined) writeFileSync(file, '');
      if (word.startsWith('die')) {
        process.kill(process.pid, 'SIGKILL');
        for (;;);
      }
      if (word.startsWith('eat')) eat();
    }
    const answers = texts.map((text) => text.toUpperCase());
    process.send({ type: 'answered', id, runs: [{ answers, refused: [] }] });
  }
}

/** Of what there is the process may have some megabytes more than it has. */
function eat() {
  const [pages] = readFileSync('/proc/self/statm', 'utf8').split(' ');
  execFileSync('prlimit', ['--pid', String(process.pid), `--as=${pages * 4096 + 64 * 2 ** 20}`]);
  for (const eaten = []; ; ) eaten.push(new Array(10_000).fill(eaten.length));
}

function pairs(count) {
  const runs = [];
  for (let row = 0; row < count; row += 2) runs.push(row + 1 < count ? [row, row + 1] : [row]);
  return runs;
}
