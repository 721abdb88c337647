/** A quoted-string attribute value (RFC 8216bis 4.2): no line breaks, no double quotes inside. */
export const quoted = (value: string): string => `"${value.replace(/["\r\n]/g, '')}"`;

/** An attribute list in the given order; undefined values are left out. */
export function attributeList(attributes: Record<string, string | number | undefined>): string {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}
