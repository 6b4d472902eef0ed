/**
 * Who is asking. The socket's peer, unless that peer is a proxy the operator named: then the nearest address that is not
 * one of ours, read from the right, because everything further left can be made up by the client. The forwarded host,
 * protocol and prefix are never read: issuer and links come from configuration alone.
 */

import { BlockList, isIP, isIPv6 } from 'node:net'

/** `null` when no proxy is trusted, which costs nothing per request. */
export type TrustedProxies = BlockList | null

/** More hops than this are not looked at. */
export const forwardedHopsMax = 32

/** Reads addresses and CIDR ranges. Throws a `RangeError` with a sentence for the operator. */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  if (ranges.length === 0) return null
  const list = new BlockList()
  for (const range of ranges) addRange(list, range)
  return list
}

/** The client's address, without the `::ffff:` of an IPv4 client on an IPv6 socket. */
export function clientAddress(
  peer: string,
  headers: { readonly [name: string]: string | undefined },
  trusted: TrustedProxies,
): string {
  const nearest = plainAddress(peer)
  if (trusted === null || !isTrusted(trusted, nearest)) return nearest
  let client = nearest
  for (const hop of forwardedHops(headers)) {
    // A hop that is no address was written by someone who does not follow the rules; what is left of it is worth nothing.
    if (isIP(hop) === 0) break
    client = hop
    if (!isTrusted(trusted, hop)) break
  }
  return client
}

/** True where the peer is a proxy whose headers count. */
export function isTrustedProxy(peer: string, trusted: TrustedProxies): boolean {
  return trusted !== null && isTrusted(trusted, plainAddress(peer))
}

function addRange(list: BlockList, range: string): void {
  const [address = '', bits, ...rest] = range.split('/')
  const family = isIP(address)
  const bitsMax = family === 6 ? 128 : 32
  const prefix = bits === undefined ? bitsMax : Number(bits)
  const isRange = rest.length === 0 && (bits === undefined || /^\d{1,3}$/.test(bits)) && prefix <= bitsMax
  if (family === 0 || !isRange)
    throw new RangeError(`trusted proxy ${JSON.stringify(range)} is no address or CIDR range`)
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
}

function isTrusted(trusted: BlockList, address: string): boolean {
  return trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** The addresses a proxy wrote, nearest first: RFC 7239 where it is sent, `X-Forwarded-For` otherwise. */
function forwardedHops(headers: { readonly [name: string]: string | undefined }): readonly string[] {
  const standard = headers['forwarded']
  const hops = standard === undefined ? (headers['x-forwarded-for'] ?? '').split(',') : forParameters(standard)
  return hops.slice(-forwardedHopsMax).reverse().map(hopAddress)
}

function forParameters(header: string): string[] {
  return header.split(',').map(element => {
    const pair = element.split(';').find(part => /^\s*for=/i.test(part))
    return pair === undefined ? '' : pair.slice(pair.indexOf('=') + 1)
  })
}

/** `192.0.2.1`, `192.0.2.1:80`, `"[2001:db8::1]:80"`: the address in it. */
function hopAddress(hop: string): string {
  const text = hop.trim().replace(/^"([^"]*)"$/, '$1')
  const bracketed = /^\[([^\]]{0,64})\](?::\d{1,5})?$/.exec(text)
  if (bracketed !== null) return plainAddress(bracketed[1] ?? '')
  const ported = /^([\d.]{7,15}):\d{1,5}$/.exec(text)
  return plainAddress(ported === null ? text : (ported[1] ?? ''))
}

function plainAddress(address: string): string {
  const unzoned = address.includes('%') ? address.slice(0, address.indexOf('%')) : address
  return /^::ffff:[\d.]+$/i.test(unzoned) ? unzoned.slice(7) : unzoned
}
