/**
 * Which addresses are on the public internet. Everything in the IANA special-purpose registries (RFC 6890, as of 2025) is
 * not, whether or not a packet would get there: loopback, private and link-local networks, cloud metadata, documentation,
 * multicast, and every form that hides an IPv4 address in an IPv6 one.
 */

import { parseIpv4, parseIpv6 } from '../throttle/network.ts'

/** Where a request may go: `public`, `loopback` (this machine), or `special` for everything else, text that is no address too. */
export type AddressKind = 'public' | 'loopback' | 'special'

/** The kind of an address in its text form, as a resolver writes it. A zone or brackets make it `special`. */
export function addressKind(address: string): AddressKind {
  const ipv4 = parseIpv4(address)
  if (ipv4 !== null) return ipv4Kind(ipv4)
  const ipv6 = address.includes(':') ? parseIpv6(address.toLowerCase()) : null
  return ipv6 === null ? 'special' : ipv6Kind(ipv6)
}

type Bytes = readonly number[]
type Range = readonly [first: Bytes, prefixBits: number]

const specialIpv4: readonly Range[] = [
  [[0, 0, 0, 0], 8], // this network (RFC 791 §3.2)
  [[10, 0, 0, 0], 8], // private use (RFC 1918)
  [[100, 64, 0, 0], 10], // shared by carriers (RFC 6598), and where some clouds keep metadata
  [[169, 254, 0, 0], 16], // link local (RFC 3927), cloud metadata
  [[172, 16, 0, 0], 12], // private use (RFC 1918)
  [[192, 0, 0, 0], 24], // IETF protocol assignments (RFC 6890 §2.1)
  [[192, 0, 2, 0], 24], // documentation (RFC 5737)
  [[192, 31, 196, 0], 24], // AS112 (RFC 7535)
  [[192, 52, 193, 0], 24], // AMT (RFC 7450)
  [[192, 88, 99, 0], 24], // 6to4 relays (RFC 7526)
  [[192, 168, 0, 0], 16], // private use (RFC 1918)
  [[192, 175, 48, 0], 24], // AS112 (RFC 7534)
  [[198, 18, 0, 0], 15], // benchmarking (RFC 2544)
  [[198, 51, 100, 0], 24], // documentation (RFC 5737)
  [[203, 0, 113, 0], 24], // documentation (RFC 5737)
  [[224, 0, 0, 0], 3], // multicast (RFC 5771), reserved (RFC 1112 §4) and broadcast (RFC 919)
]

/** Within 2000::/3, the only part of the IPv6 space that is handed out (RFC 4291 §2.4); all else is special by that. */
const specialIpv6: readonly Range[] = [
  [[0x20, 0x01, 0x00], 23], // IETF protocol assignments, Teredo, ORCHID, benchmarking (RFC 2928)
  [[0x20, 0x01, 0x0d, 0xb8], 32], // documentation (RFC 3849)
  [[0x20, 0x02], 16], // 6to4 (RFC 3056): an IPv4 address in another form
  [[0x26, 0x20, 0x00, 0x4f, 0x80, 0x00], 48], // AS112 (RFC 7534)
  [[0x3f, 0xff, 0x00], 20], // documentation (RFC 9637)
]

const nat64: Range = [[0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96]
const globalUnicast: Range = [[0x20], 3]

function ipv4Kind(bytes: Bytes): AddressKind {
  if (bytes[0] === 127) return 'loopback'
  return specialIpv4.some(range => isIn(bytes, range)) ? 'special' : 'public'
}

function ipv6Kind(groups: readonly number[]): AddressKind {
  const bytes = groups.flatMap(group => [group >> 8, group & 255])
  if (bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))) return 'loopback'
  // Where a network has no IPv4 its resolver writes the addresses of others so (RFC 6052 §2.1); what is inside counts.
  if (isIn(bytes, nat64)) return ipv4Kind(bytes.slice(12)) === 'public' ? 'public' : 'special'
  return isIn(bytes, globalUnicast) && !specialIpv6.some(range => isIn(bytes, range)) ? 'public' : 'special'
}

function isIn(bytes: Bytes, [first, prefixBits]: Range): boolean {
  for (let bit = 0; bit < prefixBits; bit += 8) {
    const mask = 0xff & (0xff << Math.max(0, 8 - (prefixBits - bit)))
    if (((bytes[bit / 8] ?? 0) & mask) !== ((first[bit / 8] ?? 0) & mask)) return false
  }
  return true
}
