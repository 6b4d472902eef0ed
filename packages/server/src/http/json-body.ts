/** A JSON object as the body of a request (RFC 8259), read strictly: what is doubtful is refused, never repaired. */

import { type JsonObject, parseJsonObject } from '../domain/strict-json.ts'
import { OAuthError, type OAuthErrorCode } from '../oauth/oauth-error.ts'
import type { HttpRequest } from './exchange.ts'

/** Throws `code` for another content type, for anything malformed, and for more than `bytesMax`. */
export function readJsonBody(request: HttpRequest, bytesMax: number, code: OAuthErrorCode): JsonObject {
  const refuse = (description: string) => new OAuthError(code, description, { description })
  if (!/^application\/json[ \t]*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw refuse('The content type is not application/json.')
  }
  if (request.body.length > bytesMax) throw refuse(`The body is longer than ${bytesMax} bytes.`)
  const text = textOf(request.body)
  if (text === null) throw refuse('The body is not UTF-8.')
  const parsed = parseJsonObject(text)
  if ('refusal' in parsed) throw refuse(`The body is refused: ${parsed.refusal}.`)
  return parsed.object
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(body: Uint8Array): string | null {
  try {
    return utf8.decode(body)
  } catch {
    // The decoder has no other way to say so, and the caller answers for it.
    return null
  }
}
