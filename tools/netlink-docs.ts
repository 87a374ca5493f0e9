/** Pages about netlink's messages, made of the attribute tables: `npm run docs` writes them beside the API's. */
import { type AttributeDescription, describeAttributes } from '@podwire/kernel';
import { genericLayouts } from '@podwire/kernel/genetlink';
import { nfnetlinkLayouts } from '@podwire/kernel/nfnetlink';
import { rtnetlinkLayouts, tcLayouts } from '@podwire/kernel/rtnetlink';
import { sockDiagLayouts } from '@podwire/kernel/sockdiag';
import { xfrmLayouts } from '@podwire/kernel/xfrm';

/** What the pages need to know of a message; every family's layouts have it. */
interface Layout {
  readonly name: string;
  readonly header: { readonly name: string; readonly size: number };
  readonly table: { readonly name: string; readonly rows: object };
}

type Layouts = Readonly<Record<number, Layout>>;

const FAMILIES: Readonly<Record<string, readonly [title: string, layouts: Layouts]>> = {
  rtnetlink: ['rtnetlink (NETLINK_ROUTE)', rtnetlinkLayouts],
  tc: ['traffic control (NETLINK_ROUTE)', tcLayouts],
  nfnetlink: ['nfnetlink (NETLINK_NETFILTER)', nfnetlinkLayouts],
  xfrm: ['IPsec (NETLINK_XFRM)', xfrmLayouts],
  'sock-diag': ['socket monitoring (NETLINK_SOCK_DIAG)', sockDiagLayouts],
  ...Object.fromEntries(
    Object.entries(genericLayouts).map(([family, layouts]) => [
      `generic-${family.toLowerCase()}`,
      [`${family} (NETLINK_GENERIC)`, layouts] as const,
    ]),
  ),
};

/** Markdown by file name, one page a family. */
export function netlinkPages(): ReadonlyMap<string, string> {
  return new Map(Object.entries(FAMILIES).map(([file, [title, layouts]]) => [`${file}.md`, page(title, layouts)]));
}

function page(title: string, layouts: Layouts): string {
  const byTable = Map.groupBy(Object.entries(layouts), ([, { table }]) => table);
  return [`# ${title}`, ...[...byTable.values()].map((messages) => section(messages))].join('\n\n').concat('\n');
}

/** Messages that share a table: making, listing and removing one thing. */
function section(messages: readonly (readonly [string, Layout])[]): string {
  const [[, { header, table }] = ['', undefined as never]] = messages;
  const names = messages.map(([type, { name }]) => `\`${name}\` (${type})`).join(', ');
  const rows = describeAttributes(table as Parameters<typeof describeAttributes>[0]).map(row);
  return [
    `## ${table.name}`,
    `${names}: \`struct ${header.name}\` of ${header.size} bytes, then attributes:`,
    ['| attribute | number | property | holds |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}

function row({ constant, type, path, payload }: AttributeDescription): string {
  return `| \`${constant ?? ''}\` | ${type} | \`${path}\` | ${payload.replaceAll('|', '\\|')} |`;
}
