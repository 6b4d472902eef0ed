/**
 * Whether a request was made by a page of the application itself (RFC 10017 §6.1.3.3). A header of our own that no form
 * and no cross-origin script can send without asking, and what the browser says of where the request began; a sibling on
 * the same site is refused like any stranger.
 */

export const proofHeader = 'x-bff'

export type OriginFault = 'cross-site' | 'no-header'

/** Null when the request may be taken. For requests of scripts; a navigation never passes. */
export function judgeOrigin(request: Request, origin: string): OriginFault | null {
  if (!beganHere(request, origin)) return 'cross-site'
  return request.headers.get(proofHeader) === '1' ? null : 'no-header'
}

/** What is safe to read and carries no header: `Sec-Fetch-Site` decides, and where a browser has none, `Origin`. */
function beganHere({ headers }: Request, origin: string): boolean {
  const site = headers.get('sec-fetch-site')
  const from = headers.get('origin')
  if (from !== null && from !== origin) return false
  return site === null || site === 'same-origin'
}
