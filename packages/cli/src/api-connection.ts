import http2 from 'node:http2';
import { PodwireError } from '@podwire/base';

/** meta/v1 Status, as far as people are shown it. */
export interface StatusObject {
  readonly reason?: string;
  readonly message?: string;
}

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
}

/** Plain calls to the API server's unix socket, for objects whose kind is known only by their own words. */
export class ApiConnection {
  readonly #session: http2.ClientHttp2Session;

  constructor(socketPath: string) {
    this.#session = http2.connect('http://api', { path: socketPath } as http2.ClientSessionOptions);
    // Each request reports the failure itself.
    this.#session.on('error', () => {});
  }

  request({ method, path, contentType, body }: ApiCall): Promise<{ readonly status: number; readonly body: unknown }> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ':method': method,
        ':path': path,
        'content-type': contentType,
        accept: 'application/json',
      });
      let status = 0;
      let text = '';
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      stream.on('error', (cause) =>
        reject(new PodwireError('CLI_MANIFEST', `the API server did not answer: ${cause.message}`, { cause })),
      );
      stream.on('end', () => resolve({ status, body: text === '' ? {} : JSON.parse(text) }));
      stream.end(body);
    });
  }

  close(): void {
    this.#session.close();
  }
}
