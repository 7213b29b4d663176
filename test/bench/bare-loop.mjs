// The for-loop that people have today, at its best: sends so many requests over one undici pool and drops the answers.
// Arguments: url, rows, concurrency, rows in a request.
import { Pool } from 'undici';

const [url, rows, concurrency, batch] = process.argv.slice(2);
const size = Number(batch);
const pool = new Pool(url, { connections: Number(concurrency), pipelining: 1 });
const text = 'It is a way I have of driving off the spleen and regulating the circulation, said row ';
let next = 0;

async function sendSome() {
  while (next < Number(rows)) {
    const from = next;
    next += size;
    const texts = Array.from({ length: size }, (_, i) => text + String(from + i));
    const { body } = await pool.request({
      path: '/models/acme/model',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: size === 1 ? texts[0] : texts }),
    });
    await body.json();
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: Number(concurrency) }, sendSome));
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }));
await pool.close();
