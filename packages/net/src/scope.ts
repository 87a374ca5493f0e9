/** How far an address or route is valid; RT_SCOPE_* of linux/rtnetlink.h, ip-address(8). */
export const SCOPES = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
export type Scope = keyof typeof SCOPES;
