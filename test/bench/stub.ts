import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Stub {
  url: string;
  close(): Promise<void>;
}

export interface StubOptions {
  /** Time from a request to its answer; 0 by default. */
  delayMs?: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * A server that answers every POST with the same JSON, at once or after a delay, on bare sockets: cheaper than `node:http`, so that
 * measurements show the client. Run it in a process of its own.
 */
export async function startStub(answer: unknown, { delayMs = 0 }: StubOptions = {}): Promise<Stub> {
  const body = JSON.stringify(answer);
  const response = Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: stub\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const respond = () => void socket.write(response);
    socket.on('data', reader(delayMs === 0 ? respond : () => void setTimeout(respond, delayMs)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Calls back for every request whose last byte has come. */
function reader(onRequest: () => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const head = pending.indexOf(HEAD_END);
      if (head < 0) return;
      const length = /content-length: *(\d+)/i.exec(pending.toString('latin1', 0, head))?.[1] ?? '0';
      const end = head + HEAD_END.length + Number(length);
      if (pending.length < end) return;
      pending = pending.subarray(end);
      onRequest();
    }
  };
}
