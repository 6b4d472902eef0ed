/** What every peer needs to know, and where its parts are. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface PeerSecrets {
  readonly clientId: string
  readonly clientSecret: string
  /** An ES256 private key, PKCS #8 in base64. */
  readonly signingKey: string
}

export const issuer = 'http://peer.bench'
export const resource = 'https://api.bench'
export const scope = 'api:read'
export const accessTokenSeconds = 600
export const refreshTokenSeconds = 30 * 86_400
const bodyBytesMax = 65_536

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

export function isSecretOf(hash: unknown, presented: string | undefined): boolean {
  const kept = Buffer.from(String(hash))
  const given = Buffer.from(hashOf(presented ?? ''))
  return kept.length === given.length && timingSafeEqual(kept, given)
}

/** The parameters of a form. */
export async function readForm(request: IncomingMessage): Promise<Record<string, string>> {
  request.setEncoding('latin1')
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > bodyBytesMax) throw new Error('the body is too long')
  }
  return Object.fromEntries(new URLSearchParams(body))
}
