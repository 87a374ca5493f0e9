import http from 'node:http';
import type { IpAddress } from '@podwire/base';
import { decodeMessage, encodeMessage, type Message, RCODE, TYPE } from '@podwire/dns';
import { bindUdp, listenTcpFd, type Netns } from '@podwire/kernel';

/** Names the outside resolver knows; everything else is NXDOMAIN. */
const OUTSIDE_NAMES = new Set(['www.outside.example', 'outside.example']);

/** The world beyond the cluster: a web server that says who asked, and a resolver. */
export interface Outside {
  close(): void;
}

export async function startOutside(netns: Netns, address: IpAddress): Promise<Outside> {
  const web = http.createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ server: 'outside', client: request.socket.remoteAddress, path: request.url }));
  });
  web.listen({ fd: listenTcpFd({ netns, address, port: 80 }) });
  const resolver = await bindUdp({ netns, address, port: 53 });
  resolver.on('message', (query, from) => {
    const answer = answerOutside(query, address);
    if (answer) resolver.send(answer, from.port, from.address);
  });
  return {
    close: () => {
      web.closeAllConnections();
      web.close();
      resolver.close();
    },
  };
}

function answerOutside(query: Buffer, address: IpAddress): Buffer | undefined {
  let message: Message;
  try {
    message = decodeMessage(query);
  } catch {
    return undefined;
  }
  const [question] = message.questions;
  if (!question || message.response) return undefined;
  const known = OUTSIDE_NAMES.has(question.name.toLowerCase().replace(/\.$/, ''));
  const { name, class: dnsClass } = question;
  return encodeMessage({
    ...message,
    response: true,
    authoritative: true,
    recursionAvailable: true,
    rcode: known ? RCODE.NOERROR : RCODE.NXDOMAIN,
    answers:
      known && question.type === TYPE.A
        ? [{ name, type: TYPE.A, class: dnsClass, ttl: 30, data: { kind: 'address', address } }]
        : [],
    authorities: [],
    additionals: [],
  });
}
