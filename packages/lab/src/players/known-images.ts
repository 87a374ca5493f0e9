import { planAgnhost } from './agnhost.ts';
import type { ContainerPlan, ContainerRequest } from './container-plan.ts';
import { parseFlags } from './flags.ts';
import { imageName } from './image.ts';
import type { PlayListener } from './play.ts';

/** Images that are a shell with tools; commands run as processes of the host. `entrypoint` goes before args. */
const SHELL_IMAGES: Readonly<
  Record<string, { readonly entrypoint?: readonly string[]; readonly command: readonly string[] }>
> = {
  busybox: { command: ['sh'] },
  alpine: { command: ['sh'] },
  netshoot: { command: ['bash'] },
  debian: { command: ['bash'] },
  ubuntu: { command: ['bash'] },
  fedora: { command: ['bash'] },
  bash: { command: ['bash'] },
  curl: { entrypoint: ['curl'], command: [] },
  dnsutils: { command: ['sleep', 'infinity'] },
  'jessie-dnsutils': { command: ['sleep', 'infinity'] },
};

/** Played images whose servers would be root's; the user of others is not known, or somebody else. */
const ROOT_IMAGES: ReadonlySet<string> = new Set(['agnhost', 'nginx', 'nginx-slim', 'httpd']);

/** Whether what is planned for an image would run as root where the pod names no user. */
export function runsAsRoot({ kind }: ContainerPlan, image: string): boolean {
  return kind === 'process' || ROOT_IMAGES.has(imageName(image));
}

type Planner = (request: ContainerRequest, argv: readonly string[]) => ContainerPlan;

const PLAYED_IMAGES: Readonly<Record<string, { readonly programs: readonly string[]; readonly plan: Planner }>> = {
  agnhost: { programs: ['agnhost'], plan: (request, argv) => planAgnhost(argv, request.env) },
  pause: { programs: ['pause'], plan: () => played('pause', [], []) },
  'http-echo': { programs: ['http-echo'], plan: planHttpEcho },
  nginx: { programs: ['nginx', 'docker-entrypoint.sh'], plan: () => welcome('nginx', 80) },
  'nginx-slim': { programs: ['nginx'], plan: () => welcome('nginx', 80) },
  'nginx-unprivileged': { programs: ['nginx', 'docker-entrypoint.sh'], plan: () => welcome('nginx', 8080) },
  httpd: { programs: ['httpd', 'httpd-foreground'], plan: () => welcome('httpd', 80) },
};

/**
 * Decides how a container is played. A command that is not the image's own program runs as a process when the host has
 * it (`onHost`); an image nobody knows is an echo server on its declared ports, or a placeholder without any.
 * A declared TCP port that a played server does not listen on is given to the echo player.
 */
export function planContainer(request: ContainerRequest, onHost: (program: string) => boolean): ContainerPlan {
  const name = imageName(request.image);
  const known = Object.hasOwn(PLAYED_IMAGES, name) ? PLAYED_IMAGES[name] : undefined;
  const shell = Object.hasOwn(SHELL_IMAGES, name) ? SHELL_IMAGES[name] : undefined;
  const [program] = request.command;
  if (known && (program === undefined || known.programs.includes(baseName(program)))) {
    const argv = [...request.command.slice(1), ...request.args];
    return withDeclaredPorts(known.plan(request, argv), request);
  }
  if (shell && program === undefined) {
    const argv =
      request.args.length > 0
        ? [...(shell.entrypoint ?? []), ...request.args]
        : [...(shell.entrypoint ?? []), ...shell.command];
    return processPlan(argv, onHost);
  }
  if (program !== undefined && (shell || known || onHost(program)))
    return processPlan([...request.command, ...request.args], onHost);
  return planUnknown(request);
}

function processPlan(argv: readonly string[], onHost: (program: string) => boolean): ContainerPlan {
  const [program = ''] = argv;
  if (onHost(program)) return { kind: 'process', argv };
  const why = program.includes('/')
    ? `stat ${program}: no such file or directory`
    : 'executable file not found in $PATH';
  return {
    kind: 'unstartable',
    message: `exec: ${JSON.stringify(program)}: ${why} (podwire runs the programs of its host; install it there, or use an image that is played)`,
  };
}

function planUnknown({ image, ports, command }: ContainerRequest): ContainerPlan {
  const listeners = ports
    .filter((p) => p.protocol !== 'SCTP')
    .map(
      (p): PlayListener => ({
        protocol: p.protocol as 'TCP' | 'UDP',
        port: p.containerPort,
        app: { app: 'echo' },
        required: true,
      }),
    );
  const missing = command.length > 0 ? ` and its command ${JSON.stringify(command[0])} is not on this host` : '';
  if (listeners.length === 0) {
    return {
      kind: 'placeholder',
      note: `Image "${image}" is not known to podwire${missing}: the container is only a placeholder, nothing runs in it`,
    };
  }
  const where = listeners.map((l) => `${l.port}/${l.protocol}`).join(', ');
  return played('echo', listeners, [`Image "${image}" is played by a built-in echo server on ${where}`]);
}

/** Adds the echo player for declared TCP ports; not to players that serve nothing on purpose. */
function withDeclaredPorts(plan: ContainerPlan, { ports }: ContainerRequest): ContainerPlan {
  if (plan.kind !== 'play' || plan.listeners.length === 0) return plan;
  const taken = new Set(plan.listeners.filter((l) => l.protocol === 'TCP').map((l) => l.port));
  const extra = ports
    .filter((p) => p.protocol === 'TCP' && !taken.has(p.containerPort))
    .map((p): PlayListener => ({ protocol: 'TCP', port: p.containerPort, app: { app: 'echo' }, required: false }));
  return { ...plan, listeners: [...plan.listeners, ...extra] };
}

function played(player: string, listeners: readonly PlayListener[], notes: readonly string[]): ContainerPlan {
  return { kind: 'play', player, listeners, notes, banner: [], stopDelay: 0 };
}

function welcome(server: 'nginx' | 'httpd', port: number): ContainerPlan {
  return played(server, [{ protocol: 'TCP', port, app: { app: 'welcome', server }, required: true }], []);
}

/** hashicorp/http-echo: `-listen=:5678 -text=... -status-code=200`. */
function planHttpEcho({ env }: ContainerRequest, argv: readonly string[]): ContainerPlan {
  const flags = parseFlags(argv, { listen: 'string', text: 'string', 'status-code': 'int', version: 'bool' });
  const fail = (message: string): ContainerPlan => ({ kind: 'exit', code: flags.error ? 2 : 127, message });
  if (flags.error) return fail(flags.error);
  if (flags.values.version) return { kind: 'exit', code: 0, message: 'http-echo, as played by podwire' };
  if (flags.positional.length > 0) return fail('Too many arguments!');
  const text = flags.values.text || env.ECHO_TEXT;
  if (!text) return fail('Missing -text option OR ECHO_TEXT env var!');
  const listen = flags.values.listen ?? ':5678';
  const port = Number(/:(\d+)$/.exec(listen)?.[1] ?? Number.NaN);
  if (!(port >= 1 && port <= 65535))
    return { kind: 'exit', code: 1, message: `[ERR] server exited with: listen tcp: address ${listen}: invalid port` };
  const app = {
    app: 'text',
    body: `${text}\n`,
    status: Number(flags.values['status-code'] ?? 200),
    type: 'text/plain; charset=utf-8',
    style: 'http-echo',
  } as const;
  return {
    kind: 'play',
    player: 'http-echo',
    listeners: [{ protocol: 'TCP', port, app, required: true }],
    banner: [`[INFO] server is listening on ${listen}`],
    notes: [],
    stopDelay: 0,
  };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
