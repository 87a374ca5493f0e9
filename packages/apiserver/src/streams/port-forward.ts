import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '@podwire/base';
import type { SpdyConnection, SpdyStream } from './spdy-connection.ts';

export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';
/** SPDY inside WebSocket messages, from kubectl 1.31 on. */
export const TUNNEL_PROTOCOL = `SPDY/3.1+${PORT_FORWARD_PROTOCOL}`;

/**
 * Serves `kubectl port-forward`: for each connection the client opens an error stream and a data stream with the same
 * request id and port.
 */
export function servePortForward(connection: SpdyConnection, connect: (port: number) => Promise<Duplex>): void {
  const errors = new Map<string, SpdyStream>();
  connection.on('stream', (stream) => {
    const id = stream.headers.get('requestid') ?? '';
    if (stream.headers.get('streamtype') === 'error') {
      errors.set(id, stream);
      stream.resume();
      return;
    }
    const error = errors.get(id);
    errors.delete(id);
    void forward(stream, error, connect);
  });
}

async function forward(
  data: SpdyStream,
  error: SpdyStream | undefined,
  connect: (port: number) => Promise<Duplex>,
): Promise<void> {
  const port = Number(data.headers.get('port'));
  try {
    const target = await connect(port);
    if (data.destroyed) target.destroy();
    // Each way ends on its own, so that one side may close early and still read.
    await Promise.allSettled([pipeline(data, target, { end: true }), pipeline(target, data, { end: true })]);
    target.destroy();
  } catch (cause) {
    error?.write(`error forwarding port ${port} to pod: ${messageOf(cause)}`);
  }
  error?.end();
  data.end();
  data.resume();
}
