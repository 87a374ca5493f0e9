import { command } from './bpf-call.ts';

/** enum bpf_cmd and the fields of union bpf_attr, linux/bpf.h. */
export const BPF = {
  MAP_CREATE: command(0, {
    type: [0, 4],
    keySize: [4, 4],
    valueSize: [8, 4],
    maxEntries: [12, 4],
    flags: [16, 4],
    innerMapFd: [20, 4],
    name: [28, 16],
    btfFd: [48, 4],
    btfKeyTypeId: [52, 4],
    btfValueTypeId: [56, 4],
  }),
  MAP_GET_NEXT_KEY: command(4, { mapFd: [0, 4], key: [8, 8], nextKey: [16, 8] }),
  PROG_LOAD: command(5, {
    type: [0, 4],
    instructionCount: [4, 4],
    instructions: [8, 8],
    license: [16, 8],
    logLevel: [24, 4],
    logSize: [28, 4],
    log: [32, 8],
    flags: [44, 4],
    name: [48, 16],
    ifindex: [64, 4],
    expectedAttachType: [68, 4],
  }),
  OBJ_PIN: command(6, { path: [0, 8], fd: [8, 4] }),
  OBJ_GET: command(7, { path: [0, 8], fileFlags: [12, 4] }),
  PROG_ATTACH: command(8, {
    target: [0, 4],
    programFd: [4, 4],
    attachType: [8, 4],
    flags: [12, 4],
    replaceFd: [16, 4],
  }),
  PROG_DETACH: command(9, { target: [0, 4], programFd: [4, 4], attachType: [8, 4] }),
  PROG_TEST_RUN: command(10, {
    programFd: [0, 4],
    returnValue: [4, 4],
    dataSizeIn: [8, 4],
    dataSizeOut: [12, 4],
    dataIn: [16, 8],
    dataOut: [24, 8],
    repeat: [32, 4],
    duration: [36, 4],
    contextSizeIn: [40, 4],
    contextSizeOut: [44, 4],
    contextIn: [48, 8],
    contextOut: [56, 8],
  }),
  PROG_GET_NEXT_ID: command(11, { id: [0, 4], nextId: [4, 4] }),
  MAP_GET_NEXT_ID: command(12, { id: [0, 4], nextId: [4, 4] }),
  PROG_GET_FD_BY_ID: command(13, { id: [0, 4] }),
  MAP_GET_FD_BY_ID: command(14, { id: [0, 4] }),
  OBJ_GET_INFO_BY_FD: command(15, { fd: [0, 4], length: [4, 4], info: [8, 8] }),
  PROG_QUERY: command(16, {
    target: [0, 4],
    attachType: [4, 4],
    queryFlags: [8, 4],
    attachFlags: [12, 4],
    programIds: [16, 8],
    count: [24, 4],
  }),
  BTF_LOAD: command(18, { btf: [0, 8], size: [16, 4] }),
  MAP_FREEZE: command(22, { mapFd: [0, 4] }),
  LINK_CREATE: command(28, {
    programFd: [0, 4],
    target: [4, 4],
    attachType: [8, 4],
    flags: [12, 4],
    relative: [16, 4],
    expectedRevision: [24, 8],
  }),
  LINK_UPDATE: command(29, { linkFd: [0, 4], programFd: [4, 4], flags: [8, 4], oldProgramFd: [12, 4] }),
  LINK_GET_FD_BY_ID: command(30, { id: [0, 4] }),
  LINK_GET_NEXT_ID: command(31, { id: [0, 4], nextId: [4, 4] }),
  LINK_DETACH: command(34, { linkFd: [0, 4] }),
} as const;

const element = { mapFd: [0, 4], key: [8, 8], value: [16, 8], flags: [24, 8] } as const;

/** What is done to one element of a map. */
export const ELEMENT = {
  LOOKUP: command(1, element),
  UPDATE: command(2, element),
  DELETE: command(3, element),
  LOOKUP_AND_DELETE: command(21, element),
} as const;

const batch = {
  inBatch: [0, 8],
  outBatch: [8, 8],
  keys: [16, 8],
  values: [24, 8],
  count: [32, 4],
  mapFd: [36, 4],
  elementFlags: [40, 8],
} as const;

/** The same for many at once, since Linux 5.6. */
export const BATCH = {
  LOOKUP: command(24, batch),
  LOOKUP_AND_DELETE: command(25, batch),
  UPDATE: command(26, batch),
  DELETE: command(27, batch),
} as const;
