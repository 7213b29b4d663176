import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  ResultReturnType,
} from '@duckdb/node-api';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { Feed } from './feed.ts';
import { type FeedHandle, type FeedQuery, Feeds, nextPiece } from './feeds.ts';
import { BatchCollector } from './to-arrow.ts';
import { arrowFriendly, arrowSchema, type Column, friendlyType } from './types.ts';

export interface StreamOptions {
  /** Ends the query; the iteration then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Batches of at least so many rows, except the last. Default: as DuckDB delivers them, up to 2048. */
  rows?: number;
  /**
   * The query may be run on one stretch of its feed after the other, and gives the rows of all: it reads one feed at
   * most and has no aggregate, order, limit or join; a DISTINCT holds for each stretch. It is then run in such pieces,
   * so that what DuckDB reads ahead is bounded in bytes and not only in rows. Default: false.
   */
  rowWise?: boolean;
}

/** A query at work on a connection of its own. */
interface Query extends FeedQuery {
  readonly connection: DuckDBConnection;
  /** The step that DuckDB is at, if any; never rejects. */
  step: Promise<unknown>;
  /** Whether DuckDB still holds rows of a stream. */
  streaming: boolean;
  /** Set by the first who ends the query. */
  ended: Promise<void> | undefined;
}

/**
 * One in-memory DuckDB. Every query runs on a connection of its own, so a stream that is read slowly does not hold
 * up a `COPY`; connections are used again.
 *
 * A query is a single statement. DuckDB's errors arrive with their words intact; the error of a feed arrives as the
 * very object that the feed threw.
 */
export class Engine {
  readonly #instance: DuckDBInstance;
  readonly #feeds = new Feeds();
  readonly #idle: DuckDBConnection[] = [];
  readonly #active = new Set<Query>();
  readonly #connecting = new Set<Promise<DuckDBConnection>>();
  #closed = false;

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  static async open(): Promise<Engine> {
    const engine = new Engine(await DuckDBInstance.create(':memory:', settings()));
    const connection = await engine.#instance.connect();
    // Timestamps with a time zone print in the session's zone: without this a part would depend on the machine.
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    await connection.run('SET GLOBAL lock_configuration = true');
    engine.#feeds.install(connection);
    engine.#idle.push(connection);
    return engine;
  }

  /** Makes a feed readable from SQL as the table `handle.sql`, until the handle is disposed. */
  register(feed: Feed): FeedHandle {
    return this.#feeds.register(feed);
  }

  /**
   * The rows of a query as Arrow batches, computed while they are read: DuckDB works about 1 MB ahead. Types that
   * Arrow lacks arrive as text (`types.ts`). Leaving the loop early ends the query.
   */
  async *stream(sql: string, options: StreamOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const { signal, rows = 1, rowWise = false } = options;
    signal?.throwIfAborted();
    const query = await this.#begin();
    const stop = () => this.#stop(query, signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      if (signal?.aborted) stop();
      const text = await this.#withStatement(query, sql, async (statement) =>
        arrowFriendly(sql, statementColumns(statement)),
      );
      let collector: BatchCollector | undefined;
      do {
        if (rowWise) query.piece = nextPiece(query.piece);
        const result = await this.#openStream(query, text);
        collector ??= new BatchCollector(resultColumns(result));
        for (;;) {
          const chunk = await this.#step(query, () => result.fetchChunk());
          if (!chunk || chunk.rowCount === 0) break;
          collector.append(chunk.chunk);
          if (collector.rows >= rows) yield collector.take();
        }
        query.streaming = false;
        await this.#checkComplete(query, result, sql);
      } while (query.piece?.isCut);
      if (collector.rows > 0) yield collector.take();
    } catch (error) {
      throw causeOf(query, error);
    } finally {
      signal?.removeEventListener('abort', stop);
      await this.#end(query);
    }
  }

  /** The schema of the batches that `stream` would give. */
  async schema(sql: string): Promise<Schema> {
    const columns = await this.describe(sql);
    return arrowSchema(columns.map(({ name, type }) => ({ name, type: friendlyType(type) })));
  }

  /** All rows of a small result as plain JavaScript values: BIGINT as bigint, BLOB as bytes, lists as arrays. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return this.#prepared(sql, async (statement) => (await statement.runAndReadAll()).getRowObjectsJS());
  }

  /** Runs a statement for its effect and returns how many rows it changed; for COPY the rows written. */
  async run(sql: string): Promise<number> {
    return this.#prepared(sql, async (statement) => (await statement.run()).rowsChanged);
  }

  /** The columns that a query would give, without running it. */
  async describe(sql: string): Promise<Column[]> {
    return this.#prepared(sql, async (statement) => statementColumns(statement));
  }

  /** Ends what still runs (it rejects) and frees everything. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const active = [...this.#active];
    for (const query of active) this.#stop(query, new Error('duckdb engine is closed'));
    await Promise.all(active.map((query) => query.step.then(() => this.#end(query))));
    await Promise.all(this.#connecting);
    for (const connection of this.#idle.splice(0)) connection.disconnectSync();
    this.#instance.closeSync();
  }

  async #prepared<T>(sql: string, use: (statement: DuckDBPreparedStatement) => Promise<T>): Promise<T> {
    const query = await this.#begin();
    try {
      return await this.#withStatement(query, sql, (statement) => this.#step(query, () => use(statement)));
    } catch (error) {
      throw causeOf(query, error);
    } finally {
      await this.#end(query);
    }
  }

  async #openStream(query: Query, sql: string): Promise<DuckDBResult> {
    query.streaming = true;
    return this.#withStatement(query, sql, (statement) => this.#step(query, () => statement.stream()));
  }

  /**
   * A stream that fails midway ends like one that is complete: the C interface gives an empty chunk for both. What
   * tells them apart is that the failed result is no query result any more. Its message is out of reach; the query,
   * run once more with its rows dropped, fails with it again.
   */
  async #checkComplete(query: Query, result: DuckDBResult, sql: string): Promise<void> {
    if (result.returnType === ResultReturnType.QUERY_RESULT) return;
    // From the first row, not from where the piece ended that failed.
    query.piece = undefined;
    if (!query.failure) await this.#step(query, () => query.connection.run(`EXPLAIN ANALYZE ${sql}`));
    throw new Error('duckdb stream ended before its last row, and DuckDB does not say why');
  }

  async #withStatement<T>(
    query: Query,
    sql: string,
    use: (statement: DuckDBPreparedStatement) => Promise<T>,
  ): Promise<T> {
    // Preparing refuses a text of several statements.
    const statement = await this.#step(query, () => query.connection.prepare(sql));
    try {
      return await use(statement);
    } finally {
      statement.destroySync();
    }
  }

  /** Lets DuckDB do something for a query, unless the query is stopped before or meanwhile. */
  async #step<T>(query: Query, work: () => Promise<T>): Promise<T> {
    throwIfStopped(query);
    const step = work();
    query.step = step.catch(() => undefined);
    const value = await step;
    // An interrupted stream ends as if it were complete.
    throwIfStopped(query);
    return value;
  }

  /**
   * Ends a query from outside. A query that pulls from a feed ends at its next pull; interrupting one while it
   * streams makes DuckDB wait for ever.
   */
  #stop(query: Query, reason: unknown): void {
    query.stopped ??= { reason };
    if (!query.usesFeeds) query.connection.interrupt();
  }

  async #begin(): Promise<Query> {
    const connection = this.#idle.pop() ?? (await this.#connect());
    if (this.#closed) {
      connection.disconnectSync();
      throw new Error('duckdb engine is closed');
    }
    const query: Query = {
      connection,
      stopped: undefined,
      failure: undefined,
      usesFeeds: false,
      scans: [],
      piece: undefined,
      step: Promise.resolve(),
      streaming: false,
      ended: undefined,
    };
    this.#active.add(query);
    this.#feeds.begin(connection, query);
    return query;
  }

  #connect(): Promise<DuckDBConnection> {
    const connecting = this.#instance.connect();
    this.#connecting.add(connecting);
    return connecting.finally(() => this.#connecting.delete(connecting));
  }

  #end(query: Query): Promise<void> {
    query.ended ??= this.#release(query);
    return query.ended;
  }

  async #release(query: Query): Promise<void> {
    await query.step;
    // A new query makes DuckDB drop the rest of a stream that was left early. Off this thread, that is: a scan thread
    // of that stream may be waiting for this thread to fill its vectors.
    if (query.streaming) await query.connection.run('SELECT 1');
    this.#feeds.end(query.connection);
    this.#active.delete(query);
    this.#idle.push(query.connection);
  }
}

function throwIfStopped(query: Query): void {
  if (query.stopped) throw query.stopped.reason;
}

/** Why a query really failed: it was stopped, or a feed threw, or else what DuckDB said. */
function causeOf(query: Query, error: unknown): unknown {
  if (query.stopped) return query.stopped.reason;
  return query.failure ? query.failure.error : error;
}

function statementColumns(statement: DuckDBPreparedStatement): Column[] {
  return Array.from({ length: statement.columnCount }, (_, i) => ({
    name: statement.columnName(i),
    type: statement.columnType(i),
  }));
}

function resultColumns(result: DuckDBResult): Column[] {
  const names = result.columnNames();
  return result.columnTypes().map((type, i) => ({ name: names[i]!, type }));
}

/**
 * DuckDB's default is 80 % of the machine's memory for itself, which leaves too little beside JavaScript's heap and
 * the rows in flight. Our queries stream, and the largest buffers are the row groups of a Parquet file with
 * embeddings (122,880 rows x 384 floats = 190 MB), so 2 GiB is plenty.
 */
const MEMORY_LIMIT_BYTES = 2 * 1024 ** 3;

function settings(): Record<string, string> {
  const memory = Math.min(process.constrainedMemory() || totalmem(), totalmem());
  return {
    // Nothing is fetched at run time: what the npm package has built in is what there is.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    preserve_insertion_order: 'true',
    // With more, DuckDB spins: a thread that has nothing to do asks again and again for work while another waits for
    // JavaScript to fill its vectors, and takes a core from it. Rows come in order, so further threads win little.
    threads: '1',
    memory_limit: `${Math.floor(Math.min(MEMORY_LIMIT_BYTES, memory / 2) / 1024 ** 2)}MiB`,
    // The default would be `.tmp` in the user's working directory. Made by DuckDB only when a query spills.
    temp_directory: join(tmpdir(), `sluice-duckdb-${process.pid}`),
  };
}
