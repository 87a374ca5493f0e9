import { attributes, listOf } from '../netlink/attribute.ts';
import { bits, bytes, flag, named, text, u8, u32 } from '../netlink/codec.ts';

/** Attributes of ethtool, linux/ethtool_netlink.h. */

export const ETHTOOL_MSG = {
  LINKSTATE_GET: 6,
  FEATURES_GET: 11,
  FEATURES_SET: 12,
  RINGS_GET: 15,
  RINGS_SET: 16,
} as const;

const header = attributes('header', {
  link: [1, u32, 'ETHTOOL_A_HEADER_DEV_INDEX'],
  name: [2, text, 'ETHTOOL_A_HEADER_DEV_NAME'],
  flags: [3, bits(u32, { compactBitsets: 1, omitReply: 2, statistics: 4 }), 'ETHTOOL_A_HEADER_FLAGS'],
});

const bit = attributes('bit', {
  index: [1, u32, 'ETHTOOL_A_BITSET_BIT_INDEX'],
  name: [2, text, 'ETHTOOL_A_BITSET_BIT_NAME'],
  value: [3, flag, 'ETHTOOL_A_BITSET_BIT_VALUE'],
});

/** Bits with their names; `noMask`: those that are listed are set and the others are not. */
const bitset = attributes('bit set', {
  noMask: [1, flag, 'ETHTOOL_A_BITSET_NOMASK'],
  size: [2, u32, 'ETHTOOL_A_BITSET_SIZE'],
  bits: [3, listOf(1, bit), 'ETHTOOL_A_BITSET_BITS'],
  value: [4, bytes, 'ETHTOOL_A_BITSET_VALUE'],
  mask: [5, bytes, 'ETHTOOL_A_BITSET_MASK'],
});

export const featureAttributes = attributes('features', {
  header: [1, header, 'ETHTOOL_A_FEATURES_HEADER'],
  hardware: [2, bitset, 'ETHTOOL_A_FEATURES_HW'],
  wanted: [3, bitset, 'ETHTOOL_A_FEATURES_WANTED'],
  active: [4, bitset, 'ETHTOOL_A_FEATURES_ACTIVE'],
  fixed: [5, bitset, 'ETHTOOL_A_FEATURES_NOCHANGE'],
});

export const linkStateAttributes = attributes('link state', {
  header: [1, header, 'ETHTOOL_A_LINKSTATE_HEADER'],
  link: [2, u8, 'ETHTOOL_A_LINKSTATE_LINK'],
  quality: [3, u32, 'ETHTOOL_A_LINKSTATE_SQI'],
  maxQuality: [4, u32, 'ETHTOOL_A_LINKSTATE_SQI_MAX'],
  /** ETHTOOL_LINK_EXT_STATE_*: why there is no link; the others stay numbers. */
  reason: [
    5,
    named(u8, { autonegotiation: 0, 'no cable': 4, 'cable issue': 5, 'power budget exceeded': 8 }),
    'ETHTOOL_A_LINKSTATE_EXT_STATE',
  ],
  detail: [6, u8, 'ETHTOOL_A_LINKSTATE_EXT_SUBSTATE'],
});

export const ringAttributes = attributes('rings', {
  header: [1, header, 'ETHTOOL_A_RINGS_HEADER'],
  maxRx: [2, u32, 'ETHTOOL_A_RINGS_RX_MAX'],
  maxTx: [5, u32, 'ETHTOOL_A_RINGS_TX_MAX'],
  rx: [6, u32, 'ETHTOOL_A_RINGS_RX'],
  tx: [9, u32, 'ETHTOOL_A_RINGS_TX'],
});
