import {
  type DuckDBConnection,
  DuckDBTableFunction,
  type DuckDBTableFunctionBindInfo,
  INTEGER,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { messageOf } from '../errors.ts';
import type { Feed, FeedScan } from './feed.ts';

/** What feeds need to know of the query that pulls from them, and what the query wants to know of them. */
export interface FeedQuery {
  /** Set when the query is to end early: the next pull throws it instead of delivering rows. */
  stopped: { reason: unknown } | undefined;
  /**
   * The first error that a feed threw. DuckDB passes on only the message of an error; whoever runs the query
   * rejects with this one instead.
   */
  failure: { error: unknown } | undefined;
  /** Whether the query reads from any feed. */
  usesFeeds: boolean;
  /** Every scan opened for the query, to be closed when it is over. */
  scans: FeedScan[];
  /** The piece that is read, where the query is read in pieces. */
  piece: FeedPiece | undefined;
}

/**
 * A stretch of the one feed of a query that is run again and again until the feed is at its end. DuckDB bounds what it
 * reads ahead by rows, 60,000 or so, and does not count how long texts and blobs are; a scan that ends bounds it
 * whatever is in the rows.
 */
interface FeedPiece {
  /** Pulls that are left. */
  pulls: number;
  /** Whether the piece ended before its feed did. */
  isCut: boolean;
  /** The scan that goes on from piece to piece; undefined before the first. */
  scan: FeedScan | undefined;
}

/**
 * Pulls in a piece. Of narrow rows a pull takes 2048, so a shard of the default 10,000 rows is one piece; a pull of
 * wide rows ends at some megabytes (`CHUNK_BYTES`).
 */
const PULLS_IN_PIECE = 6;

/** The next piece of a query, after the one before or as the first. */
export function nextPiece(before?: FeedPiece): FeedPiece {
  return { pulls: PULLS_IN_PIECE, isCut: false, scan: before?.scan };
}

/** A registered feed: a table function call for SQL, until it is disposed. */
export interface FeedHandle {
  readonly sql: string;
  [Symbol.dispose](): void;
}

interface BoundFeed {
  feed: Feed;
  query: FeedQuery;
}

/**
 * The feeds of one DuckDB instance behind one table function, `feed(INTEGER)`. A function registered for each feed
 * would stay in the catalogue for ever: the C interface cannot drop one.
 */
export class Feeds {
  readonly #feeds = new Map<number, Feed>();
  /** The running query of each connection, by DuckDB's id of the connection: it is all that a bind call tells. */
  readonly #queries = new Map<number, FeedQuery>();
  #nextId = 1;

  /** Makes `feed(…)` known to every connection of the instance. The connection must be idle. */
  install(connection: DuckDBConnection): void {
    const tableFunction = DuckDBTableFunction.create({
      name: 'feed',
      parameterTypes: [INTEGER],
      supportsProjectionPushdown: true,
      bindFunction: (info) => this.#bind(info),
      initFunction: (info) => {
        const { feed, query } = info.bindData as BoundFeed;
        guarded(query, info, () => {
          // One scan thread: rows must come in order, and JavaScript has one thread to give anyway.
          info.setMaxThreads(1);
          info.setInitData(query.piece?.scan ?? openScan(feed, query, info.getColumnIndexes()));
        });
      },
      mainFunction: (info, output) => {
        const { query } = info.bindData as BoundFeed;
        guarded(query, info, () => {
          if (query.stopped) throw query.stopped.reason;
          if (query.piece && query.piece.pulls-- === 0) {
            query.piece.isCut = true;
            duckdb.data_chunk_set_size(output.chunk, 0);
            return;
          }
          const scan = info.initData as FeedScan;
          const vectors: duckdb.Vector[] = [];
          for (let i = 0; i < output.columnCount; i++) {
            vectors.push(duckdb.data_chunk_get_vector(output.chunk, i));
          }
          duckdb.data_chunk_set_size(output.chunk, scan.next(vectors, duckdb.vector_size()));
        });
      },
    });
    connection.registerTableFunction(tableFunction);
  }

  register(feed: Feed): FeedHandle {
    const id = this.#nextId++;
    this.#feeds.set(id, feed);
    return { sql: `feed(${id})`, [Symbol.dispose]: () => void this.#feeds.delete(id) };
  }

  /** From now on pulls over this connection belong to `query`. */
  begin(connection: DuckDBConnection, query: FeedQuery): void {
    this.#queries.set(connection.clientContext.connectionId, query);
  }

  /** The query of this connection is over: closes its scans. */
  end(connection: DuckDBConnection): void {
    const id = connection.clientContext.connectionId;
    const query = this.#queries.get(id);
    this.#queries.delete(id);
    for (const scan of query?.scans.splice(0) ?? []) scan.close?.();
  }

  #bind(info: DuckDBTableFunctionBindInfo): void {
    const id = Number(info.getParameter(0));
    const feed = this.#feeds.get(id);
    const query = this.#queries.get(info.clientContext.connectionId);
    if (!feed || !query) {
      info.setError(`no such feed: ${id}`);
      return;
    }
    query.usesFeeds = true;
    for (const column of feed.columns) info.addResultColumn(column.name, column.type);
    info.setBindData({ feed, query } satisfies BoundFeed);
  }
}

function openScan(feed: Feed, query: FeedQuery, projected: readonly number[]): FeedScan {
  const scan = feed.open(projected);
  query.scans.push(scan);
  if (query.piece) query.piece.scan = scan;
  return scan;
}

/** Runs a step of a scan; what it throws is kept for the query and told to DuckDB, which ends the query. */
function guarded(query: FeedQuery, info: { setError(message: string): void }, step: () => void): void {
  try {
    step();
  } catch (error) {
    query.failure ??= { error };
    info.setError(messageOf(error));
  }
}
