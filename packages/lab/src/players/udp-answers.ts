import { formatClient } from './http-answers.ts';
import { answerNetexecDatagram } from './netexec.ts';
import type { App } from './play.ts';

/** What a played container answers to a datagram; undefined: nothing. */
export function answerDatagram(
  app: App,
  payload: Buffer,
  from: { address: string; port: number },
  hostname: string,
): Buffer | string | undefined {
  switch (app.app) {
    case 'netexec':
      return answerNetexecDatagram(payload.toString(), formatClient(from.address, from.port), hostname);
    case 'hostname':
      return hostname;
    case 'text':
      return app.body;
    case 'echo':
      return payload;
    case 'welcome':
      return undefined;
  }
}
