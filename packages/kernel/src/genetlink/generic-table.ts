import { attributes } from '../netlink/attribute.ts';
import { pad, struct, text, u8, u16, u32 } from '../netlink/codec.ts';
import { numberedList } from '../netlink/numbered-list.ts';

/** What every message of generic netlink begins with, and the attributes of the family that knows the others; linux/genetlink.h. */

/** struct genlmsghdr of linux/genetlink.h. */
export const genlmsghdr = struct('genlmsghdr', { command: u8, version: u8, _1: pad(2) });

const operation = attributes('operation', { id: [1, u32, 'CTRL_ATTR_OP_ID'], flags: [2, u32, 'CTRL_ATTR_OP_FLAGS'] });
const group = attributes('group', {
  name: [1, text, 'CTRL_ATTR_MCAST_GRP_NAME'],
  id: [2, u32, 'CTRL_ATTR_MCAST_GRP_ID'],
});
export const controlAttributes = attributes('nlctrl', {
  id: [1, u16, 'CTRL_ATTR_FAMILY_ID'],
  name: [2, text, 'CTRL_ATTR_FAMILY_NAME'],
  version: [3, u32, 'CTRL_ATTR_VERSION'],
  headerSize: [4, u32, 'CTRL_ATTR_HDRSIZE'],
  maxAttribute: [5, u32, 'CTRL_ATTR_MAXATTR'],
  operations: [6, numberedList(operation), 'CTRL_ATTR_OPS'],
  groups: [7, numberedList(group), 'CTRL_ATTR_MCAST_GROUPS'],
});
