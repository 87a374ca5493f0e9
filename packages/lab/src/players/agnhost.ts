import type { ContainerPlan, ContainerRequest } from './container-plan.ts';
import { type Flags, type FlagType, isTrue, parseDuration, parseFlags } from './flags.ts';
import type { PlayListener } from './play.ts';

/** What is played of agnhost (kubernetes/kubernetes test/images/agnhost); `argv` starts with the subcommand. */
export function planAgnhost(argv: readonly string[], env: ContainerRequest['env']): ContainerPlan {
  const [subcommand = 'pause', ...args] = argv;
  const command = Object.hasOwn(SUBCOMMANDS, subcommand) ? SUBCOMMANDS[subcommand] : undefined;
  if (!command)
    return refuse(`unknown command "${subcommand}" for "app"; podwire plays ${Object.keys(SUBCOMMANDS).join(', ')}`);
  const flags = parseFlags(args, command.flags);
  return flags.error === undefined ? command.plan(flags, env) : refuse(flags.error);
}

interface Subcommand {
  readonly flags: Readonly<Record<string, FlagType>>;
  plan(flags: Flags, env: ContainerRequest['env']): ContainerPlan;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  netexec: {
    flags: {
      'http-port': 'int',
      'udp-port': 'int',
      'sctp-port': 'int',
      'http-override': 'string',
      'delay-shutdown': 'int',
      'tls-cert-file': 'string',
      'tls-private-key-file': 'string',
      'udp-listen-addresses': 'string',
    },
    plan: planNetexec,
  },
  'serve-hostname': {
    flags: { port: 'int', http: 'bool', tcp: 'bool', udp: 'bool', close: 'bool' },
    plan: planServeHostname,
  },
  pause: { flags: {}, plan: () => play('agnhost pause', [], ['Paused']) },
  porter: { flags: { 'json-response': 'bool' }, plan: planPorter },
  connect: {
    flags: { timeout: 'duration', protocol: 'string', 'udp-data': 'string', 'sctp-data': 'string' },
    plan: planConnect,
  },
};

function play(
  player: string,
  listeners: readonly PlayListener[],
  banner: readonly string[],
  notes: readonly string[] = [],
): ContainerPlan {
  return { kind: 'play', player, listeners, banner, notes, stopDelay: 0 };
}

function refuse(message: string): ContainerPlan {
  return { kind: 'exit', code: 1, message: `Error: ${message}` };
}

function planNetexec({ values }: Flags): ContainerPlan {
  const httpPort = Number(values['http-port'] ?? 8080);
  const udpPort = Number(values['udp-port'] ?? 8081);
  const override = values['http-override'];
  if (!isPort(httpPort)) return refuse(`listen tcp: address ${httpPort}: invalid port`);
  if (udpPort !== -1 && !isPort(udpPort)) return refuse(`listen udp: address ${udpPort}: invalid port`);
  const listeners: PlayListener[] = [
    { protocol: 'TCP', port: httpPort, app: { app: 'netexec', ...(override ? { override } : {}) }, required: true },
  ];
  if (udpPort !== -1) listeners.push({ protocol: 'UDP', port: udpPort, app: { app: 'netexec' }, required: true });
  const notes: string[] = [];
  if (Number(values['sctp-port'] ?? -1) !== -1)
    notes.push('agnhost netexec: --sctp-port is ignored, no SCTP is played');
  if (values['tls-cert-file']) notes.push('agnhost netexec: --tls-cert-file is ignored, plain HTTP is served');
  if (values['udp-listen-addresses'])
    notes.push('agnhost netexec: --udp-listen-addresses is ignored, all addresses are served');
  return {
    kind: 'play',
    player: 'agnhost netexec',
    listeners,
    notes,
    banner: [`Started HTTP server on port ${httpPort}`],
    stopDelay: Math.max(0, Number(values['delay-shutdown'] ?? 0)) * 1000,
  };
}

function planServeHostname({ values }: Flags): ContainerPlan {
  const port = Number(values.port ?? 9376);
  const [tcp, udp] = [isTrue(values.tcp), isTrue(values.udp)];
  // In agnhost --http is on unless switched off, and it refuses to be combined.
  const http = values.http === undefined ? !(tcp || udp) : isTrue(values.http);
  if (http && (tcp || udp)) return refuse("Can't server TCP/UDP mode and HTTP mode at the same time");
  if (!isPort(port)) return refuse(`listen tcp: address ${port}: invalid port`);
  const listeners: PlayListener[] = [];
  if (http)
    listeners.push({ protocol: 'TCP', port, app: { app: 'hostname', close: isTrue(values.close) }, required: true });
  if (tcp) listeners.push({ protocol: 'TCP', port, app: { app: 'hostname', raw: true }, required: true });
  if (udp) listeners.push({ protocol: 'UDP', port, app: { app: 'hostname', raw: true }, required: true });
  return play('agnhost serve-hostname', listeners, [`Serving on port ${port}.`]);
}

function planPorter({ values }: Flags, env: ContainerRequest['env']): ContainerPlan {
  const listeners: PlayListener[] = [];
  const notes: string[] = [];
  for (const [name, body] of Object.entries(env)) {
    const match = /^SERVE_((?:TCP_|UDP_|TLS_|SCTP_)?)PORT_(\d+)$/.exec(name);
    if (!match) continue;
    const [, kind, port] = [match[0], match[1], Number(match[2])];
    if (kind === 'TLS_' || kind === 'SCTP_')
      notes.push(`agnhost porter: ${name} is ignored, ${kind.slice(0, -1)} is not played`);
    else if (isPort(port)) {
      const app = {
        app: 'text',
        body,
        status: 200,
        type: 'text/plain; charset=utf-8',
        style: 'porter',
        json: isTrue(values['json-response']),
      } as const;
      listeners.push({ protocol: kind === 'UDP_' ? 'UDP' : 'TCP', port, app, required: false });
    }
  }
  return play('agnhost porter', listeners, [], notes);
}

function planConnect({ values, positional }: Flags): ContainerPlan {
  const [target, ...more] = positional;
  if (target === undefined || more.length > 0) return refuse(`accepts 1 arg(s), received ${positional.length}`);
  const protocol = values.protocol || 'tcp';
  if (protocol !== 'tcp' && protocol !== 'udp') {
    return {
      kind: 'exit',
      code: 1,
      message: protocol === 'sctp' ? 'UNKNOWN: podwire plays no SCTP' : `Unsupported protocol\n${protocol}`,
    };
  }
  const timeout = parseDuration(values.timeout ?? '0') ?? 0;
  return { kind: 'connect', request: { target, protocol, timeout, udpData: values['udp-data'] ?? 'hostname' } };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
