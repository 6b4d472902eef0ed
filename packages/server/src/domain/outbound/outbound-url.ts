/**
 * What can be said of a URL before anything is resolved. Registration asks it too, so that an address nobody will ever be
 * sent to is refused while there is somebody to tell.
 */

import { addressKind } from './special-address.ts'

export const outboundUrlCharactersMax = 2048

export interface OutboundRules {
  /** On a loopback issuer: http and loopback addresses are taken together, and named as such. */
  readonly allowsLoopback: boolean
  /** Hosts of the operator's own networks, which may have private addresses. Lower case. */
  readonly privateHosts: ReadonlySet<string>
}

/** A half sentence that refuses the URL, or null when a request may be tried. The address is judged when it is known. */
export function judgeOutboundUrl(text: string, rules: OutboundRules): string | null {
  if (text.length > outboundUrlCharactersMax) return `it is longer than ${outboundUrlCharactersMax} characters`
  if (/[^\x21-\x7e]/.test(text) || !URL.canParse(text)) return 'it is not an absolute URL'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'its scheme is not https'
  // Also when it is empty: `https://@host` reads as two hosts to two parsers.
  if (/^[a-z]+:[/\\]*[^/\\?#]*@/i.test(text)) return 'it has user information'
  if (text.includes('#')) return 'it has a fragment'
  if (isLoopbackName(url.hostname)) return rules.allowsLoopback ? null : 'its host is this machine'
  if (url.protocol !== 'https:') return 'its scheme is not https'
  const literal = literalAddress(url.hostname)
  if (literal === null || rules.privateHosts.has(url.hostname)) return null
  return addressKind(literal) === 'public' ? null : 'its host is not on the public internet'
}

/** The same of a URL that a stranger wrote: the hosts that the operator named are there for the operator's own applications. */
export function judgeStrangersUrl(text: string, rules: OutboundRules): string | null {
  const refusal = judgeOutboundUrl(text, rules)
  if (refusal !== null) return refusal
  return rules.privateHosts.has(new URL(text).hostname) ? 'its host is not on the public internet' : null
}

/** `localhost` and all below it (RFC 6761 §6.3), and the addresses of loopback. */
export function isLoopbackName(hostname: string): boolean {
  const literal = literalAddress(hostname)
  if (literal !== null) return addressKind(literal) === 'loopback'
  const name = hostname.replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost')
}

/** The address a URL's host spells out, or null for a name. The URL parser has made 127.1, 0x7f.1 and 2130706433 plain. */
export function literalAddress(hostname: string): string | null {
  if (hostname.startsWith('[')) return hostname.slice(1, -1)
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname) ? hostname : null
}
