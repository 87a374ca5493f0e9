import { STATUS_CODES } from 'node:http';
import { parseDuration } from './flags.ts';

/** What an endpoint of netexec is asked: the part of an HTTP request it looks at. */
export interface NetexecRequest {
  /** Path and query. */
  readonly url: string;
  readonly header: (name: string) => string | undefined;
  /** address:port of the client. */
  readonly client: string;
}

export interface NetexecAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The container ends with this code, `after` ms from now. */
  readonly exit?: { readonly code: number; readonly after: number };
}

/** The outside of netexec: everything that is not a pure function of the request. */
export interface NetexecWorld {
  readonly hostname: string;
  now(): Date;
  log(line: string): void;
  /** Runs `sh -c command` in the pod. */
  shell(command: string): Promise<{ readonly output: string; readonly error?: string }>;
  /** One try of /dial: the answer's body. Rejects with the reason. */
  dial(request: DialRequest): Promise<string>;
}

export interface DialRequest {
  readonly protocol: 'http' | 'udp';
  readonly host: string;
  readonly port: number;
  readonly request: string;
}

type Endpoint = (
  query: URLSearchParams,
  request: NetexecRequest,
  world: NetexecWorld,
) => NetexecAnswer | Promise<NetexecAnswer>;

const MAX_TRIES = 1000;
const ok = (body: string): NetexecAnswer => ({ status: 200, body });
const bad = (body: string): NetexecAnswer => ({ status: 400, body: `${body}\n` });

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/': (_, __, world) => said(world, 'GET /', ok(`NOW: ${world.now().toISOString()}`)),
  '/clientip': (_, request, world) => said(world, 'GET /clientip', ok(request.client)),
  '/hostname': (_, __, world) => said(world, 'GET /hostname', ok(world.hostname)),
  '/hostName': (_, __, world) => said(world, 'GET /hostName', ok(world.hostname)),
  '/healthz': (_, __, world) => said(world, 'GET /healthz', ok('')),
  '/header': (query, request, world) => said(world, 'GET /header', ok(request.header(query.get('key') ?? '') ?? '')),
  '/echo': answerEcho,
  '/redirect': answerRedirect,
  '/exit': answerExit,
  '/shutdown': (_, __, world) => said(world, 'GET /shutdown', { status: 200, body: '', exit: { code: 0, after: 0 } }),
  '/shell': answerShell,
  '/dial': answerDial,
  '/upload': () => ({ status: 501, body: '{"error":"podwire plays netexec without /upload"}' }),
};

/** Answers one request as agnhost netexec does; unknown paths get the answer of `/`. */
export async function answerNetexec(request: NetexecRequest, world: NetexecWorld): Promise<NetexecAnswer> {
  const [path = '/', search = ''] = splitOnce(request.url, '?');
  const endpoint = Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path] : ENDPOINTS['/'];
  return endpoint ? endpoint(new URLSearchParams(search), request, world) : ok('');
}

/** The answer to a datagram, or undefined for none. netexec folds commands to lower case, the echoed text too. */
export function answerNetexecDatagram(text: string, client: string, hostname: string): string | undefined {
  const command = text.trim().toLowerCase();
  if (command === 'hostname') return hostname;
  if (command === 'clientip') return client;
  return command.startsWith('echo ') ? command.slice(5) : undefined;
}

function said(world: NetexecWorld, line: string, answer: NetexecAnswer): NetexecAnswer {
  world.log(line);
  return answer;
}

function answerEcho(query: URLSearchParams, _: NetexecRequest, world: NetexecWorld): NetexecAnswer {
  const [msg, code] = [query.get('msg') ?? '', query.get('code') ?? ''];
  world.log(`GET /echo?msg=${msg}&code=${code}`);
  if (code !== '' && !isStatus(code))
    return ok(`argument 'code' must be an integer or empty, got ${JSON.stringify(code)}\n`);
  return { status: code === '' ? 200 : Number(code), body: msg };
}

function answerRedirect(query: URLSearchParams, _: NetexecRequest, world: NetexecWorld): NetexecAnswer {
  const [location, code] = [query.get('location') ?? '', query.get('code') || '302'];
  world.log(`GET /redirect?location=${location}&code=${code}`);
  if (!isStatus(code)) return ok(`argument 'code' must be an integer or empty, got ${JSON.stringify(code)}\n`);
  return {
    status: Number(code),
    body: `${STATUS_CODES[Number(code)] ?? ''}.\n`,
    headers: { location: encodeURI(decodeSafely(location)) },
  };
}

function answerExit(query: URLSearchParams, _: NetexecRequest, world: NetexecWorld): NetexecAnswer {
  const [code, timeout, wait] = [query.get('code') || '0', query.get('timeout') || '0', query.get('wait') || '0'];
  world.log(`GET /exit?code=${code}&timeout=${timeout}&wait=${wait}`);
  if (parseDuration(timeout) === undefined)
    return ok(`argument 'timeout' must be a valid golang duration or empty, got "${timeout}"\n`);
  const after = parseDuration(wait);
  if (after === undefined) return ok(`argument 'wait' must be a valid golang duration or empty, got "${wait}"\n`);
  if (!/^\d{1,3}$/.test(code) || Number(code) > 127)
    return ok(`argument 'code' must be an integer [0-127] or empty, got "${code}"\n`);
  return { status: 200, body: '', exit: { code: Number(code), after } };
}

async function answerShell(query: URLSearchParams, _: NetexecRequest, world: NetexecWorld): Promise<NetexecAnswer> {
  const command = query.get('shellCommand') || query.get('cmd') || '';
  world.log(`GET /shell?cmd=${command}`);
  const { output, error } = await world.shell(command);
  return ok(JSON.stringify({ ...(error === undefined ? {} : { error }), ...(output === '' ? {} : { output }) }));
}

async function answerDial(query: URLSearchParams, _: NetexecRequest, world: NetexecWorld): Promise<NetexecAnswer> {
  const [host, port, request] = [query.get('host') ?? '', query.get('port') ?? '', query.get('request') ?? ''];
  const protocol = (query.get('protocol') || 'http').toLowerCase();
  const tries = Number(query.get('tries') || '1');
  world.log(`GET /dial?host=${host}&protocol=${protocol}&port=${port}&request=${request}&tries=${tries}`);
  if (!Number.isInteger(tries) || tries > MAX_TRIES)
    return bad(`tries parameter is invalid. a whole number up to ${MAX_TRIES} is needed`);
  if (request === '') return bad('request parameter not specified.');
  if (protocol !== 'http' && protocol !== 'udp') return bad(`unsupported protocol. ${protocol}`);
  if (host === '' || !/^\d{1,5}$/.test(port) || Number(port) > 65535) return bad('host and/or port param are invalid.');
  const [responses, errors]: [string[], string[]] = [[], []];
  for (let i = 0; i < tries; i++) {
    await world.dial({ protocol, host, port: Number(port), request }).then(
      (body) => responses.push(body),
      (error: unknown) => errors.push(error instanceof Error ? error.message : String(error)),
    );
  }
  return ok(
    JSON.stringify({ ...(errors.length > 0 ? { errors } : {}), ...(responses.length > 0 ? { responses } : {}) }),
  );
}

function isStatus(code: string): boolean {
  return /^\d{3}$/.test(code) && Number(code) >= 200;
}

function decodeSafely(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return '';
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
