/** How a token comes: in one `Authorization` header (RFC 6750 §2.1, RFC 9449 §7.1), never in a URL. */

import { type Fault, fault } from '../fault.ts'
import type { Scheme } from './challenge.ts'

/** A request as far as it is judged: for frameworks whose requests are no `Request`. */
export interface Presented {
  readonly method: string
  /** Absolute, or from the path on. */
  readonly url: string
  /** Header by header; several of one name joined by a comma, as `Headers` does it. Null: there is none. */
  readonly authorization: string | null
  readonly dpop: string | null
  /** The certificate of the connection in DER, where the caller showed one. */
  readonly clientCertificate?: Uint8Array | null
}

export interface Credential {
  readonly scheme: Scheme
  readonly token: string
}

/** Whatever the length: a longer header is refused unread. */
export const authorizationCharactersMax = 17_000

/** A fault without a code where nothing is shown, which is no error of the caller's (RFC 6750 §3.1). */
export function readCredential({ url, authorization }: Presented): Credential | Fault {
  if (hasTokenInQuery(url)) return fault('invalid_request', 'the token stands in the URL')
  if (authorization === null) return fault(null, 'there is no token')
  if (authorization.length > authorizationCharactersMax) return fault('invalid_request', 'the header is too long')
  const [, scheme = '', token] = /^([A-Za-z]+) +([\w.~+/-]+=*)$/.exec(authorization) ?? []
  const known = schemes.find(each => each.toLowerCase() === scheme.toLowerCase())
  if (known !== undefined && token !== undefined) return { scheme: known, token }
  const isOurs = /^(?:bearer|dpop)\b/i.test(authorization)
  if (isOurs) return fault('invalid_request', 'the header is no scheme and one token')
  return fault(null, 'the scheme is neither Bearer nor DPoP')
}

/** The one that a caller seems to use, for the challenge of a header that cannot be read. */
export function schemeIn(authorization: string | null): Scheme | null {
  const named = /^(bearer|dpop)\b/i.exec(authorization ?? '')?.[1]?.toLowerCase()
  if (named === undefined) return null
  return named === 'dpop' ? 'DPoP' : 'Bearer'
}

const schemes = ['Bearer', 'DPoP'] as const

function hasTokenInQuery(url: string): boolean {
  const at = url.indexOf('?')
  return at >= 0 && new URLSearchParams(url.slice(at + 1).split('#')[0]).has('access_token')
}
