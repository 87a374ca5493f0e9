/**
 * What a packet's mark is from capture in mode ipvs until IPVS has taken it, behind the filters of input; then it is as
 * before. Every mode's filters let it pass, because IPVS serves connections after another mode has followed.
 *
 *   10110101 11010010 nnnnnnnn nnnnnnnn    n: 0, the virtual server has the packet's own address and port;
 *                                             else the one that is known by this mark
 */
export const IPVS_MARK = 0xb5d20000;
export const IPVS_MARK_MASK = 0xffff0000;
