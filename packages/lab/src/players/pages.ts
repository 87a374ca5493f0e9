import type { PlayIdentity } from './play.ts';

export interface SeenRequest {
  readonly line: string;
  /** address:port of the client. */
  readonly client: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What the echo player answers to an HTTP request: who it is and what it saw, one `key: value` a line. */
export function echoPage(who: PlayIdentity, seen: SeenRequest): string {
  const lines = [
    `pod: ${who.pod}`,
    `namespace: ${who.namespace}`,
    `container: ${who.container}`,
    `node: ${who.node}`,
    `address: ${who.address}`,
    `client: ${seen.client}`,
    `request: ${seen.line}`,
    ...seen.headers.map(([name, value]) => `header ${name}: ${value}`),
    `played by podwire for image: ${who.image}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The first page of a fresh web server, with the pod's name under it. */
export function welcomePage(server: 'nginx' | 'httpd', who: PlayIdentity): string {
  const heading = server === 'nginx' ? 'Welcome to nginx!' : 'It works!';
  const about = `${who.namespace}/${who.pod} on ${who.node}, played by podwire`;
  return `<!DOCTYPE html>\n<html><head><title>${heading}</title></head>\n<body><h1>${heading}</h1>\n<p>${escapeHtml(about)}</p></body></html>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}
