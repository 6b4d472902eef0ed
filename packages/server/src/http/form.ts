/**
 * Parameters as they arrive, in a form body or a query, read strictly and in linear time (WHATWG URL §5, RFC 6749
 * appendix B). What is doubtful is refused, never repaired: two readers of one request must not see two requests.
 */

import type { Parameters } from '../oauth/authorization-server.ts'
import { OAuthError } from '../oauth/oauth-error.ts'
import type { HttpRequest } from './exchange.ts'

export const parametersMax = 100
/** Of a name or a value, decoded, in UTF-8. */
export const parameterBytesMax = 8_192

/** The only names that may be sent more than once (RFC 8707 §2, RFC 8693 §2.1). */
const repeatable: ReadonlySet<string> = new Set(['resource', 'audience'])

/**
 * The parameters of a form post. Throws `invalid_request` for another content type, for anything malformed, and for any
 * query: a secret in a URL ends up in logs that are not ours (RFC 6749 §2.3.1, RFC 9700 §4.3.2).
 */
export function readForm(request: HttpRequest): Parameters {
  if (request.query !== '') throw malformed('parameters were sent in the query of a form post')
  if (!isForm(request)) throw malformed('the content type is not application/x-www-form-urlencoded')
  return parseParameters(decodeBody(request.body))
}

/** The parameters of a query. Throws `invalid_request` for anything malformed. */
export function readQuery(request: HttpRequest): Parameters {
  // A byte outside ASCII in a request target has no agreed meaning (RFC 3986 §2).
  if (/[^\x21-\x7e]/.test(request.query)) throw malformed('the query holds a character that must be percent-encoded')
  return parseParameters(request.query)
}

/** Where the same parameters may come either way, as at the authorization endpoint (OIDC Core §3.1.2.1). */
export function readQueryOrForm(request: HttpRequest): Parameters {
  return request.method === 'POST' ? readForm(request) : readQuery(request)
}

export function isForm(request: HttpRequest): boolean {
  const contentType = request.headers['content-type']
  if (contentType === undefined) return false
  return contentType === formType || /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i.test(contentType)
}

/** Reads `text` piece by piece; the limits are met before anything is decoded. */
export function parseParameters(text: string): Parameters {
  const values = new Map<string, string>()
  let repeated: Map<string, readonly string[]> | null = null
  let count = 0
  for (let start = 0; start < text.length; ) {
    const ampersand = text.indexOf('&', start)
    const end = ampersand === -1 ? text.length : ampersand
    // Counted even when empty: skipping them is work too.
    count += 1
    if (count > parametersMax) throw malformed(`more than ${parametersMax} parameters`)
    if (end > start) {
      const piece = text.slice(start, end)
      const equals = piece.indexOf('=')
      const name = decode(equals === -1 ? piece : piece.slice(0, equals))
      const value = equals === -1 ? '' : decode(piece.slice(equals + 1))
      const earlier = values.get(name)
      if (earlier === undefined) values.set(name, value)
      else repeated = repeat(repeated ?? new Map<string, readonly string[]>(), name, [earlier, value])
    }
    start = end + 1
  }
  return parametersOf(values, repeated)
}

const formType = 'application/x-www-form-urlencoded'
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeBody(body: Uint8Array): string {
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw malformed('the body is not UTF-8', cause)
  }
}

function decode(piece: string): string {
  const plain = needsDecoding.test(piece) ? decodeEscapes(piece) : piece
  if (isTooLong(plain)) throw tooLong()
  return plain
}

/** A character is one to three bytes per unit of length, so most texts need no counting. */
function isTooLong(plain: string): boolean {
  if (plain.length * 3 <= parameterBytesMax) return false
  return plain.length > parameterBytesMax || Buffer.byteLength(plain) > parameterBytesMax
}

const needsDecoding = /[%+\0]/

/** `decodeURIComponent` refuses stray percent signs, invalid UTF-8, overlong forms and surrogates. */
function decodeEscapes(piece: string): string {
  // Each decoded byte took one character to send, or three: what must turn out too long is not worth decoding.
  if (piece.length > parameterBytesMax * (piece.includes('%') ? 3 : 1)) throw tooLong()
  const plain = percentDecoded(piece.replaceAll('+', ' '))
  if (plain.includes('\0')) throw malformed('a parameter holds a NUL')
  return plain
}

function percentDecoded(piece: string): string {
  try {
    return decodeURIComponent(piece)
  } catch (cause) {
    throw malformed('a parameter is not percent-encoded UTF-8', cause)
  }
}

function repeat(
  repeated: Map<string, readonly string[]>,
  name: string,
  [first, next]: readonly [string, string],
): Map<string, readonly string[]> {
  if (!repeatable.has(name)) throw malformed(`the parameter ${JSON.stringify(name.slice(0, 64))} is repeated`)
  return repeated.set(name, [...(repeated.get(name) ?? [first]), next])
}

function parametersOf(values: Map<string, string>, repeated: Map<string, readonly string[]> | null): Parameters {
  return {
    get: name => values.get(name),
    has: name => values.has(name),
    all: name => {
      const several = repeated?.get(name)
      if (several !== undefined) return several
      const value = values.get(name)
      return value === undefined ? [] : [value]
    },
  }
}

function tooLong(): OAuthError {
  return malformed(`a parameter is longer than ${parameterBytesMax} bytes`)
}

function malformed(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', detail, cause === undefined ? {} : { cause })
}
