/*
 * IP addresses as resolvers and sockets write them: no brackets. Nothing is resolved.
 */

const GROUPS = 8;

/** Four bytes as one number; null when it is not the usual dotted form. */
export function parseIpv4(text: string): number | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : null;
}

/** Eight 16-bit groups (RFC 4291, 2.2); null when it is no IPv6 address. A zone (`%eth0`) names no other address. */
export function parseIpv6(text: string): number[] | null {
  const [address = '', ...zones] = text.split('%');
  if (zones.length > 1 || !address.includes(':')) return null;
  const halves = withHexTail(address).split('::');
  if (halves.length > 2) return null;
  const [head = [], tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = GROUPS - head.length - (tail?.length ?? 0);
  if (tail ? missing < 1 : missing !== 0) return null;
  const texts = tail ? [...head, ...Array<string>(missing).fill('0'), ...tail] : head;
  if (!texts.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return texts.map((group) => Number.parseInt(group, 16));
}

/** `::ffff:1.2.3.4` as `::ffff:102:304`. */
function withHexTail(address: string): string {
  const start = address.lastIndexOf(':') + 1;
  const ipv4 = parseIpv4(address.slice(start));
  if (ipv4 === null) return address;
  return `${address.slice(0, start)}${Math.floor(ipv4 / 65536).toString(16)}:${(ipv4 % 65536).toString(16)}`;
}
