/** Which addresses count as one: an IPv4 address by itself, an IPv6 address with its /64, as one customer gets one. */

const ipv4Pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/
const addressCharactersMax = 64

/** `203.0.113.7`, `2001:db8:0:1::/64`, or `unknown`, one network for all that is no address. */
export function networkOf(address: string): string {
  if (address.length > addressCharactersMax) return 'unknown'
  const [bare = ''] = address.toLowerCase().split('%', 1)
  const ipv4 = parseIpv4(bare)
  if (ipv4 !== null) return ipv4.join('.')
  const groups = parseIpv6(bare)
  if (groups === null) return 'unknown'
  return mappedIpv4(groups) ?? `${groups.slice(0, 4).map(hex).join(':')}::/64`
}

/** The four bytes, or null. */
export function parseIpv4(text: string): number[] | null {
  const bytes = ipv4Pattern.exec(text)?.slice(1).map(Number)
  return bytes === undefined || bytes.some(byte => byte > 255) ? null : bytes
}

/** The eight groups of RFC 4291 §2.2, its dotted tail included; null for anything else. In lower case, without zone. */
export function parseIpv6(text: string): number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head, tail] = [parseGroups(halves[0] ?? ''), parseGroups(halves[1] ?? '')]
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function parseGroups(text: string): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  for (const part of text.split(':')) {
    const [a, b, c, d] = parseIpv4(part) ?? []
    if (a !== undefined && b !== undefined && c !== undefined && d !== undefined) {
      groups.push(a * 256 + b, c * 256 + d)
    } else if (/^[0-9a-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
    } else {
      return null
    }
  }
  return groups
}

/** An IPv4 client of a dual-stack socket arrives as `::ffff:203.0.113.7` and is the same client. */
function mappedIpv4(groups: readonly number[]): string | null {
  const [, , , , , marker, high = 0, low = 0] = groups
  if (groups.slice(0, 5).some(group => group !== 0) || marker !== 0xffff) return null
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function hex(group: number): string {
  return group.toString(16)
}
