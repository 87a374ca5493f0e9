import { PodwireError } from '@podwire/base';
import type { CniCommand, CniVersion } from './cni-version.ts';
import { CNI_COMMANDS, CNI_VERSIONS, isCniVersion, knowsCommand } from './cni-version.ts';
import { isRecord } from './json.ts';

/** One invocation of the plugin, checked: what the runtime put into environment and stdin. */
export interface CniCall {
  readonly command: CniCommand;
  /** Empty for STATUS, GC and VERSION. */
  readonly containerId: string;
  readonly ifName: string;
  /** Empty when the namespace is gone, which only DEL allows. */
  readonly netnsPath: string;
  readonly args: Readonly<Record<string, string>>;
  readonly config: NetworkConfig;
}

/** The network configuration of one plugin; unknown keys are ignored. */
interface NetworkConfig {
  readonly cniVersion: CniVersion;
  readonly name: string;
  /** Only the capabilities the conflist declares: portMappings, ips. */
  readonly runtimeConfig: Readonly<Record<string, unknown>>;
  readonly dns: Readonly<Record<string, unknown>>;
  readonly prevResult: unknown;
  /** `cni.dev/valid-attachments`, of GC. */
  readonly validAttachments: unknown;
  readonly disableCheck: boolean;
  readonly disableGc: boolean;
}

const IDENTIFIER = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Throws PodwireError with the code POD-8 asks for. Order of checks: command, environment, JSON, version, name. */
export function parseCniCall(env: Readonly<Record<string, string>>, stdin: string): CniCall {
  const command = CNI_COMMANDS.find((c) => c === env.CNI_COMMAND);
  if (!command) throw environmentError('CNI_COMMAND', env.CNI_COMMAND, `one of ${CNI_COMMANDS.join(', ')}`);
  const environment = parseEnvironment(command, env);
  return { command, ...environment, config: parseConfig(command, stdin) };
}

function parseEnvironment(command: CniCommand, env: Readonly<Record<string, string>>) {
  const { CNI_CONTAINERID: containerId = '', CNI_IFNAME: ifName = '', CNI_NETNS: netnsPath = '' } = env;
  if (command === 'ADD' || command === 'DEL' || command === 'CHECK') {
    if (!IDENTIFIER.test(containerId) || containerId.length > 128)
      throw environmentError('CNI_CONTAINERID', containerId, 'letters, digits, ".", "_" and "-", at most 128');
    if (!isInterfaceName(ifName))
      throw environmentError('CNI_IFNAME', ifName, 'an interface name of at most 15 characters');
    if (netnsPath === '' && command !== 'DEL')
      throw environmentError('CNI_NETNS', netnsPath, 'the path of a network namespace');
    if (netnsPath.includes('\0')) throw environmentError('CNI_NETNS', netnsPath, 'a path');
  }
  return { containerId, ifName, netnsPath, args: parseArgs(env.CNI_ARGS ?? '') };
}

/** What the kernel takes as an interface name (dev_valid_name). */
function isInterfaceName(name: string): boolean {
  return /^[\x21-\x2e\x30-\x39\x3b-\x7e]{1,15}$/.test(name) && name !== '.' && name !== '..';
}

/** `KEY=VALUE;KEY=VALUE`; pairs without `=` are ignored. */
function parseArgs(text: string): Record<string, string> {
  const pairs = text.split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function parseConfig(command: CniCommand, stdin: string): NetworkConfig {
  const json = parseJson(stdin);
  const version = json.cniVersion ?? (command === 'VERSION' ? CNI_VERSIONS.at(-1) : '0.1.0');
  if (!isCniVersion(version))
    throw new PodwireError(
      'PODS_VERSION',
      `cniVersion ${JSON.stringify(version)} is not supported; use one of ${CNI_VERSIONS.join(', ')}`,
    );
  if (!knowsCommand(version, command))
    throw new PodwireError('PODS_VERSION', `CNI ${version} has no ${command}; use a newer cniVersion`);
  const name = json.name;
  if (command !== 'VERSION' && (typeof name !== 'string' || !IDENTIFIER.test(name) || name.length > 63))
    throw new PodwireError(
      'PODS_CONFIG',
      `the network configuration needs a "name" of at most 63 letters, digits, ".", "_" and "-", not ${JSON.stringify(name)}`,
    );
  return {
    cniVersion: version,
    name: String(name),
    runtimeConfig: recordField(json, 'runtimeConfig'),
    dns: recordField(json, 'dns'),
    prevResult: json.prevResult,
    validAttachments: json['cni.dev/valid-attachments'],
    disableCheck: json.disableCheck === true,
    disableGc: json.disableGC === true,
  };
}

function parseJson(stdin: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(stdin);
  } catch (cause) {
    throw new PodwireError('PODS_DECODING', 'the network configuration on stdin is not JSON', { cause });
  }
  if (!isRecord(json))
    throw new PodwireError('PODS_DECODING', 'the network configuration on stdin is not a JSON object');
  return json;
}

function recordField(json: Record<string, unknown>, field: string): Record<string, unknown> {
  const value = json[field] ?? {};
  if (!isRecord(value))
    throw new PodwireError('PODS_FIELD', `"${field}" of the network configuration has to be an object`);
  return value;
}

function environmentError(variable: string, value: string | undefined, wanted: string): PodwireError {
  return new PodwireError('PODS_ENVIRONMENT', `${variable} is ${JSON.stringify(value ?? '')}; it has to be ${wanted}`);
}
