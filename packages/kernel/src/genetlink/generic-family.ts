import { errnoOf } from '../errno.ts';
import { isErrno, KernelError } from '../errors.ts';
import { type AttributesOf, type AttributeTable, attributes } from '../netlink/attribute.ts';
import { type MessageLayout, registerLayouts } from '../netlink/layout.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { attributesAfter, encodeBody, type NetlinkMessage } from '../netlink/netlink-message.ts';
import { genericLayouts } from './generic-layouts.ts';
import { controlAttributes, genlmsghdr } from './generic-table.ts';

/** GENL_ID_CTRL: the family that knows the others, and its commands. */
const CONTROL_ID = 16;
const CTRL_CMD_GETFAMILY = 3;

/** What a request of a family says. */
export interface GenericRequest<R> {
  readonly command: number;
  readonly table: AttributeTable<R>;
  readonly values: AttributesOf<R>;
  /** For the error: `add service tcp 10.0.0.1:80`. */
  readonly op: string;
  /** NLM_F_*; those of the transport are added. */
  readonly flags?: number;
}

/** A generic netlink family of this kernel; genl-ctrl-list(8). */
export interface GenericFamily {
  readonly name: string;
  /** The message type, which the kernel chose when the family was registered. */
  readonly id: number;
  readonly version: number;
  readonly headerSize: number;
  readonly maxAttribute: number;
  /** Multicast groups by name. */
  readonly groups: Readonly<Record<string, number>>;
  /** The commands it takes, and GENL_* bits of who may use them. */
  readonly operations: readonly { readonly command: number; readonly flags: number }[];
  /** The message alone, for batches. */
  message<R>(request: GenericRequest<R>): NetlinkMessage;
  /** Throws KernelError. The answers are read with the request's table. */
  request<R>(request: GenericRequest<R>): AttributesOf<R>[];
  dump<R>(request: GenericRequest<R>): AttributesOf<R>[];
}

/** Which module brings a family; others have the family's name or are built in. */
const MODULES: Readonly<Record<string, string>> = {
  IPVS: 'ip_vs',
  wireguard: 'wireguard',
  ethtool: 'CONFIG_ETHTOOL_NETLINK, Linux 5.6 or newer',
};

const opened = new WeakMap<Netlink<'generic'>, Map<string, GenericFamily>>();

/**
 * Looks a family up by its name, once for each socket, which has to be of the protocol `generic`. KERNEL_NO_FAMILY: the kernel
 * does not have it, and cannot load the module that does.
 */
export function openGenericFamily(netlink: Netlink<'generic'>, name: string): GenericFamily {
  const families = opened.get(netlink) ?? new Map<string, GenericFamily>();
  opened.set(netlink, families);
  const family = families.get(name) ?? findFamily(netlink, name);
  families.set(name, family);
  return family;
}

function findFamily(netlink: Netlink<'generic'>, name: string): GenericFamily {
  const op = `look up the generic netlink family ${name}`;
  const body = encodeBody(genlmsghdr, { command: CTRL_CMD_GETFAMILY, version: 1 }, controlAttributes, { name });
  try {
    const [answer] = netlink.request({ type: CONTROL_ID, flags: 0, body, op, protocol: 'generic' });
    if (answer) return familyFrom(netlink, decodeGeneric(answer.body, controlAttributes));
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const advice = `load the kernel module ${MODULES[name] ?? name}, or take a kernel that has it`;
  throw new KernelError({ op, errno: errnoOf('ENOENT'), advice }, 'KERNEL_NO_FAMILY');
}

/** The attributes behind genlmsghdr. Throws DecodeError. */
export function decodeGeneric<R>(body: Buffer, table: AttributeTable<R>): AttributesOf<R> {
  return table.read(attributesAfter(body, genlmsghdr.size));
}

const layouts = new Map<string, Record<number, MessageLayout>>();

/** What the family's commands hold, for errors that name an attribute; those podwire does not know tell it by their requests. */
function commandsOf(name: string, id: number): Record<number, MessageLayout> {
  const commands = layouts.get(name) ?? { ...genericLayouts[name] };
  layouts.set(name, commands);
  registerLayouts('generic', { [id]: { name, header: genlmsghdr, table: attributes(name, {}), commands } });
  return commands;
}

function familyFrom(netlink: Netlink<'generic'>, control: AttributesOf<typeof controlAttributes.rows>): GenericFamily {
  const { id = 0, name = '', version = 0, headerSize = 0, maxAttribute = 0, operations = [], groups = [] } = control;
  const commands = commandsOf(name, id);
  const message = <R>({ command, table, values, op, flags = 0 }: GenericRequest<R>): NetlinkMessage => {
    commands[command] ??= {
      name: `${name} command ${command}`,
      header: genlmsghdr,
      table: table as AttributeTable<object>,
    };
    const body = encodeBody(genlmsghdr, { command, version }, table, values);
    return { type: id, flags, body, op, protocol: 'generic' };
  };
  return {
    name,
    id,
    version,
    headerSize,
    maxAttribute,
    groups: Object.fromEntries(groups.map((one) => [one.name ?? '', one.id ?? 0])),
    operations: operations.map((one) => ({ command: one.id ?? 0, flags: one.flags ?? 0 })),
    message,
    request: (request) => netlink.request(message(request)).map(({ body }) => decodeGeneric(body, request.table)),
    dump: (request) => netlink.dump(message(request)).map(({ body }) => decodeGeneric(body, request.table)),
  };
}
