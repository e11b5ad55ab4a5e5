/** FNV-1a of 128 bits (Fowler, Noll, Vo): short ids of what need not be kept itself. */

const OFFSET = 0x6c62272e07bb014262b821756295c58dn;
const PRIME = 0x0000000001000000000000000000013bn;
const MASK = (1n << 128n) - 1n;

/** @param {string} text @returns {string} 32 hexadecimal digits */
export function fnv(text) {
  let hash = OFFSET;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * PRIME) & MASK;
  return hash.toString(16).padStart(32, "0");
}
