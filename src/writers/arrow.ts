import { type FileHandle, open } from 'node:fs/promises';
import { Message, RecordBatchFileWriter, RecordBatchReader, type Schema } from 'apache-arrow';
import { cell } from '../arrow/rows.ts';
import { messageOf } from '../errors.ts';
import { createFile, notWritable } from './file.ts';
import { selectPart } from './select.ts';
import type { Writer } from './writer.ts';

/** Rows that a record batch of the file has at least; with 384 floats a row about 13 MB. */
const BATCH_ROWS = 8192;

const MAGIC = 'ARROW1';

/**
 * Arrow IPC files, batch by batch, so that memory does not grow with the part. Their buffers are not compressed,
 * whatever the job says: there is no codec for them that comes with Node 20.
 */
export const arrowWriter: Writer = {
  extension: () => 'arrow',

  async write(engine, request) {
    using results = engine.register(request.results);
    const select = selectPart(request, results.sql);
    const schema = await engine.schema(select);
    // Awaited here: the feed must stay registered until the write is over.
    return await createFile(request.path, async () => {
      const file = await written(request.path, () => open(request.path, 'w'));
      try {
        const bytes = new FileBytes();
        bytes.reset(undefined, schema);
        let rows = 0;
        for await (const batch of engine.stream(select, { rows: BATCH_ROWS })) {
          bytes.write(batch);
          rows += batch.numRows;
          await written(request.path, () => file.appendFile(bytes.take()));
        }
        bytes.finish();
        await written(request.path, () => file.appendFile(bytes.take()));
        return rows;
      } finally {
        await file.close();
      }
    });
  },

  async verify(_engine, path) {
    const file = await open(path, 'r');
    try {
      await checkEnd(file, path);
      let rows = 0;
      for await (const batch of await RecordBatchReader.from(file)) rows += batch.numRows;
      return rows;
    } finally {
      await file.close();
    }
  },

  async *read(_engine, { path, columns }) {
    const file = await open(path, 'r');
    try {
      for await (const batch of await RecordBatchReader.from(file)) {
        // Not `batch.select`: arrow-js gives the columns of another order their neighbours' values.
        const found = columns.map(({ name }) => {
          const vector = batch.getChild(name);
          if (vector === null) throw new Error(`arrow file has no column ${name}: ${path}`);
          return { name, vector };
        });
        for (let i = 0; i < batch.numRows; i++) {
          yield Object.fromEntries(found.map(({ name, vector }) => [name, cell(vector, i)]));
        }
      }
    } finally {
      await file.close();
    }
  },
};

/**
 * Arrow's file writer with its bytes handed out after each batch. Its own queue has no bound and does not wait for
 * the disk.
 */
class FileBytes extends RecordBatchFileWriter {
  #chunks: Uint8Array[] = [];

  /** What was written since the last call. */
  take(): Uint8Array {
    const taken = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return taken;
  }

  /** The format wants a whole stream before the footer; arrow-js leaves the stream's schema out. */
  protected override _writeSchema(schema: Schema): this {
    return super._writeSchema(schema)._writeMessage(Message.from(schema));
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started && chunk.byteLength > 0) {
      this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this._position += chunk.byteLength;
    }
    return this;
  }
}

/** A file that was cut off may look like a stream that ends early; only the end of a whole one has the magic. */
async function checkEnd(file: FileHandle, path: string): Promise<void> {
  const { size } = await file.stat();
  const end = Buffer.alloc(MAGIC.length);
  if (size >= end.length) await file.read(end, 0, end.length, size - end.length);
  if (end.toString('latin1') !== MAGIC) throw new Error(`arrow file is not whole: ${path}`);
}

async function written<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw notWritable(path, messageOf(error), error);
  }
}
