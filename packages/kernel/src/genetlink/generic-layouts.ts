import type { MessageLayout } from '../netlink/layout.ts';
import { ETHTOOL_MSG, featureAttributes, linkStateAttributes, ringAttributes } from './ethtool-table.ts';
import { controlAttributes, genlmsghdr } from './generic-table.ts';
import { IPVS_CMD, ipvsAttributes, ipvsInfoAttributes } from './ipvs-table.ts';
import { WG_CMD, wireguardAttributes } from './wireguard-table.ts';

type Layouts = Readonly<Record<number, MessageLayout>>;

function layouts(
  prefix: string,
  commands: Readonly<Record<string, number>>,
  tableOf: (word: string) => MessageLayout['table'],
): Layouts {
  const entries = Object.entries(commands).map(([word, number]): [number, MessageLayout] => {
    return [number, { name: `${prefix}${word}`, header: genlmsghdr, table: tableOf(word) }];
  });
  return Object.fromEntries(entries);
}

const CTRL_CMD = { NEWFAMILY: 1, DELFAMILY: 2, GETFAMILY: 3, NEWMCAST_GRP: 7, DELMCAST_GRP: 8 };
const ethtoolTables = { FEATURES: featureAttributes, LINKSTATE: linkStateAttributes, RINGS: ringAttributes };

function ethtoolTable(word: string): MessageLayout['table'] {
  return ethtoolTables[word.replace(/_[A-Z]+$/, '') as keyof typeof ethtoolTables];
}

/**
 * What the messages of generic netlink hold, by the family's name and then by the command in genlmsghdr: the message type is
 * the family's number, which differs from one boot to the next.
 */
export const genericLayouts: Readonly<Record<string, Layouts>> = {
  nlctrl: layouts('CTRL_CMD_', CTRL_CMD, () => controlAttributes),
  IPVS: layouts('IPVS_CMD_', IPVS_CMD, (word) => (word.endsWith('INFO') ? ipvsInfoAttributes : ipvsAttributes)),
  wireguard: layouts('WG_CMD_', WG_CMD, () => wireguardAttributes),
  ethtool: layouts('ETHTOOL_MSG_', ETHTOOL_MSG, ethtoolTable),
};
