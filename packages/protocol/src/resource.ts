/** Resource indicators (RFC 8707 §2): absolute URIs without a fragment. */

import { isLoopbackUrl } from './redirect-uri.ts'

export const resourceCharactersMax = 1024
export const resourcesMax = 16

/** True for an absolute URI without fragment and without user information; plain `http` only on loopback. */
export function isResourceIndicator(text: string): boolean {
  if (text.length > resourceCharactersMax || !/^[!-~]+$/.test(text) || text.includes('#')) return false
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return false
  return url.protocol !== 'http:' || isLoopbackUrl(url)
}
